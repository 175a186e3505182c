"""The first scan activates: once, by a person, and never a unit that is not waiting for it."""

from collections import Counter

import pytest

from minting.states import ActivationMode, UnitStatus
from resolver import database
from tests.factories import BrandWorld
from tests.resolver.scanning import Answer, at_once, counted, scan
from tests.resolver.units import mint, row_versions, units_of, waiting_activations

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]


def test_the_first_scan_activates_and_is_recorded(nordhav: BrandWorld):
    minted = mint(nordhav)
    scan(minted.path())
    (unit,) = units_of(minted)
    assert unit.status == UnitStatus.ACTIVE
    assert unit.activated_at
    assert waiting_activations() == 1


def test_the_page_of_the_first_scan_is_told_so_and_no_other_page_is(nordhav):
    minted = mint(nordhav)
    first = scan(minted.path(), query="a=1")
    assert first.finding.is_first_scan
    assert first.page == f"/p/{minted.tokens[0]}?a=1"
    assert not scan(minted.path(), query="a=1").finding.is_first_scan


def test_further_scans_change_nothing(nordhav):
    minted = mint(nordhav)
    scan(minted.path())
    before = row_versions(minted)
    assert scan(minted.path()).status == 307
    assert row_versions(minted) == before
    assert waiting_activations() == 1


def test_two_hundred_racing_scans_activate_twenty_units_exactly_once(nordhav):
    minted = mint(nordhav, 20)
    before = counted("activated")

    def scan_all(index: int) -> list[Answer]:
        order = [*range(index, 20), *range(index)]
        return [scan(minted.path(at)) for at in order]

    answers = [answer for given in at_once(10, scan_all) for answer in given]
    assert Counter(answer.status for answer in answers) == {307: 200}
    told = Counter(answer.page for answer in answers if answer.finding.is_first_scan)
    assert told == {f"/p/{token}": 1 for token in minted.tokens}
    assert counted("activated") == before + 20
    assert waiting_activations() == 20
    assert {unit.status for unit in units_of(minted)} == {UnitStatus.ACTIVE}


def test_many_scans_of_one_unit_at_the_same_moment_activate_it_once(nordhav):
    minted = mint(nordhav)
    at_once(12, lambda _: scan(minted.path()))
    assert waiting_activations() == 1


def test_a_request_made_ahead_of_time_does_not_activate(nordhav):
    ahead_of_time = (
        {"sec_purpose": "prefetch"},
        {"sec_purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x_purpose": "preview"},
        {"x_moz": "Prefetch"},
    )
    minted = mint(nordhav, len(ahead_of_time))
    for at, headers in enumerate(ahead_of_time):
        assert scan(minted.path(at), **headers).status == 307
    assert {unit.status for unit in units_of(minted)} == {UnitStatus.MINTED}
    assert waiting_activations() == 0


def test_only_get_activates(nordhav):
    minted = mint(nordhav)
    for method in ("HEAD", "POST"):
        scan(minted.path(), method)
    assert units_of(minted)[0].status == UnitStatus.MINTED


def test_a_revoked_unit_is_shown_but_never_activated(nordhav):
    minted = mint(nordhav, status=UnitStatus.REVOKED)
    before = row_versions(minted)
    assert scan(minted.path()).status == 307
    assert row_versions(minted) == before
    assert waiting_activations() == 0


def test_a_batch_that_is_active_at_mint_is_never_written_to(nordhav):
    minted = mint(nordhav, activation_mode=ActivationMode.ACTIVE_AT_MINT, status=UnitStatus.ACTIVE)
    before = row_versions(minted)
    assert scan(minted.path()).status == 307
    assert row_versions(minted) == before
    assert waiting_activations() == 0


def test_a_unit_locked_elsewhere_is_shown_and_activated_by_the_next_scan(nordhav):
    minted = mint(nordhav)
    failures = counted("activation_failed")
    with database.connect() as other, other.transaction():
        other.execute("update minting_mintunit set status = status")
        assert scan(minted.path()).status == 307
    assert counted("activation_failed") == failures + 1
    assert waiting_activations() == 0
    scan(minted.path())
    assert waiting_activations() == 1


def test_an_activation_is_on_disk_before_it_is_answered_whatever_the_role_says(
    nordhav, connections
):
    minted = mint(nordhav)
    scan(f"/mu/{minted.tokens[0]}", "HEAD")
    with connections[0].cursor() as cursor:
        cursor.execute("set synchronous_commit = off")
        cursor.execute("select pg_current_wal_flush_lsn()")
        flushed_before = cursor.fetchone()[0]
        scan(minted.path())
        cursor.execute("select pg_current_wal_flush_lsn() > %s::pg_lsn", (flushed_before,))
        assert cursor.fetchone()[0]
        cursor.execute("show synchronous_commit")
        assert cursor.fetchone()[0] == "off"
