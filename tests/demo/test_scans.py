"""Choosing codes from packs, and telling a good scan from a bad one."""

from pathlib import Path

import pytest

from demo.scans import Scan, pick_codes
from tests.demo.packs import Delivery

HOST = "localhost:8001"
PAGE = "http://localhost:8001/p/ABCDE"


def faults(scan: Scan) -> list[str]:
    return list(scan.faults(names="Tee & Co", host=HOST))


def test_a_good_scan_has_no_fault() -> None:
    assert faults(Scan(307, PAGE, 200, "<h1>Tee &amp; Co</h1>")) == []


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (Scan(404), "it answered 404 instead of 307"),
        (Scan(302, PAGE, 200, "Tee &amp; Co"), "it answered 302 instead of 307"),
        (Scan(307, "http://elsewhere/p/ABCDE", 200, "Tee &amp; Co"), "leads to another host"),
        (Scan(307, PAGE, 500, "Tee &amp; Co"), "answered 500"),
        (Scan(307, PAGE, 200, "Trousers"), "does not name Tee & Co"),
    ],
    ids=["unknown", "other redirect", "other host", "broken page", "other product"],
)
def test_a_bad_scan_says_what_is_wrong(scan: Scan, said: str) -> None:
    (fault,) = faults(scan)
    assert said in fault


def test_codes_are_picked_from_the_packs_without_repeating_a_unit(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path).write()
    printed = {row["token"]: row["resolver_url"] for row in delivery.rows}
    for count in (1, 10, 30):
        codes = pick_codes(delivery.downloads, count)
        assert len({code.token for code in codes}) == len(codes) == count
        assert all(printed[code.token] == code.url for code in codes)


def test_fewer_units_than_scans_are_all_picked(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path)
    del delivery.rows[3:]
    assert len(pick_codes(delivery.write().downloads, 10)) == 3
