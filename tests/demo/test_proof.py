"""The proof of a batch from its packs: it accepts a true delivery and finds every kind of fault."""

from pathlib import Path

import pytest

from demo.proof import MOST_FAULTS, Faults, Proof
from tests.demo.packs import Delivery, row

KINDS = ("packs", "digests", "ordinals", "tokens", "urls", "columns")


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return Delivery(tmp_path).write()


def faulty(proof: Proof) -> set[str]:
    return {kind for kind in KINDS if list(getattr(proof, kind))}


def test_a_true_delivery_has_no_fault(delivery: Delivery) -> None:
    proof = delivery.prove()
    assert faulty(proof) == set()
    assert proof.rows == 30
    assert proof.size == sum(download.path.stat().st_size for download in delivery.downloads)


def test_packs_may_arrive_in_any_order(delivery: Delivery) -> None:
    delivery.downloads.reverse()
    delivery.manifest.reverse()
    assert faulty(delivery.prove()) == set()


def test_a_repeated_token_is_found_across_packs(delivery: Delivery) -> None:
    delivery.rows[27] |= {
        name: delivery.rows[2][name] for name in ("token", "serial", "resolver_url")
    }
    proof = delivery.write().prove()
    assert faulty(proof) == {"tokens"}
    assert list(proof.tokens) == [f"ordinal 28 repeats the token {row(3)['token']}"]


def test_a_malformed_token_is_found(delivery: Delivery) -> None:
    delivery.rows[4] = {
        name: value.replace(row(5)["token"], "lower-case") for name, value in row(5).items()
    }
    proof = delivery.write().prove()
    assert faulty(proof) == {"tokens"}


def test_a_gap_in_the_ordinals_is_found_once(delivery: Delivery) -> None:
    del delivery.rows[11]
    proof = delivery.write().prove()
    assert faulty(proof) == {"packs", "ordinals"}
    assert list(proof.ordinals) == ["pack 2 has '13' where 12 belongs"]
    assert list(proof.packs) == ["29 rows instead of 30"]


def test_a_repeated_ordinal_is_found(delivery: Delivery) -> None:
    delivery.rows[11]["ordinal"] = "11"
    assert "ordinals" in faulty(delivery.write().prove())


def test_an_ordinal_that_is_no_number_is_found(delivery: Delivery) -> None:
    delivery.rows[11]["ordinal"] = "twelve"
    proof = delivery.write().prove()
    assert list(proof.ordinals) == ["pack 2 has 'twelve' where 12 belongs"]


def test_rows_that_end_too_early_are_found(delivery: Delivery) -> None:
    del delivery.rows[25:]
    proof = delivery.write().prove()
    assert list(proof.ordinals) == ["26 to 30 are missing"]
    assert list(proof.packs) == ["25 rows instead of 30"]


def test_a_row_count_other_than_the_manifests_is_found(delivery: Delivery) -> None:
    delivery.manifest[1]["rows"] = 11
    proof = delivery.prove()
    assert faulty(proof) == {"packs"}
    assert list(proof.packs) == ["pack 2 has 10 rows instead of 11"]


def test_one_altered_byte_is_found(delivery: Delivery) -> None:
    path = delivery.downloads[1].path
    path.write_bytes(path.read_bytes().replace(b".123456Z", b".123457Z", 1))
    proof = delivery.prove()
    assert faulty(proof) == {"digests"}
    assert list(proof.digests) == ["pack 2 has another SHA-256 than the manifest says"]


def test_a_cut_pack_is_found_by_its_size_too(delivery: Delivery) -> None:
    path = delivery.downloads[2].path
    content = path.read_bytes()
    path.write_bytes(content[:-40])
    proof = delivery.prove()
    said = f"pack 3 has {len(content) - 40:,} bytes instead of {len(content):,}"
    assert said in list(proof.digests)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url.replace("http:", "https:"),
        lambda url: url.replace("localhost", "elsewhere"),
        lambda url: url.replace("/01/09524010000016", "/01/09524010000023"),
        lambda url: url + "?x=1",
        lambda url: url[:-1],
    ],
    ids=["scheme", "host", "gtin", "query", "token"],
)
def test_a_wrong_resolver_url_is_found(delivery: Delivery, spoil: object) -> None:
    assert callable(spoil)
    delivery.rows[8]["resolver_url"] = spoil(delivery.rows[8]["resolver_url"])
    proof = delivery.write().prove()
    assert faulty(proof) == {"urls"}
    assert "ordinal 9 " in next(iter(proof.urls))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("serial", "7"),
        ("gtin", ""),
        ("sku", "NH-TEE-002"),
        ("lot", "L1"),
        ("status", "active"),
        ("activation_mode", "active_at_mint"),
        ("batch_id", "0198c0de-0000-7000-8000-000000000002"),
        ("production_batch", ""),
        ("created_at", "yesterday"),
    ],
)
def test_a_wrong_cell_is_found(delivery: Delivery, column: str, value: str) -> None:
    delivery.rows[19][column] = value
    proof = delivery.write().prove()
    assert faulty(proof) == {"columns"}
    assert next(iter(proof.columns)).startswith("ordinal 20 ")


def test_another_header_is_found(delivery: Delivery) -> None:
    path = delivery.downloads[0].path
    path.write_bytes(path.read_bytes().replace(b"resolver_url", b"url", 1))
    assert "columns" in faulty(delivery.prove())


def test_a_row_with_a_cell_too_many_is_found(delivery: Delivery) -> None:
    path = delivery.downloads[0].path
    path.write_bytes(path.read_bytes().replace(b"Z\r\n", b"Z,more\r\n", 1))
    proof = delivery.prove()
    assert "pack 1 has 13 cells in its row 1" in list(proof.columns)


def test_a_pack_that_is_no_text_is_found(delivery: Delivery) -> None:
    delivery.downloads[1].path.write_bytes(b"\xff\xfe\x00")
    proof = delivery.prove()
    assert any("pack 2 is no readable CSV" in fault for fault in proof.columns)


def test_a_missing_pack_is_found(delivery: Delivery) -> None:
    del delivery.downloads[1]
    proof = delivery.prove()
    assert faulty(proof) == {"packs", "ordinals"}
    assert list(proof.packs) == ["pack 2 was not delivered", "20 rows instead of 30"]
    assert list(proof.ordinals) == ["pack 3 has '21' where 11 belongs"]


def test_a_pack_the_manifest_does_not_list_is_found(delivery: Delivery) -> None:
    del delivery.manifest[2]
    proof = delivery.prove()
    assert "pack 3 is not in the manifest" in list(proof.packs)


def test_a_manifest_that_skips_a_number_is_found(delivery: Delivery) -> None:
    del delivery.manifest[1]
    assert "the manifest does not number its packs 1, 2, 3, …" in list(delivery.prove().packs)


def test_many_faults_of_a_kind_are_counted_but_not_all_listed() -> None:
    faults = Faults()
    for number in range(1000):
        faults.add(f"fault {number}")
    listed = list(faults)
    assert len(listed) == MOST_FAULTS + 1
    assert listed[-1] == "980 more of the kind"
