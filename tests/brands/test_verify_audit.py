"""Verification: whoever tampers, past every right and trigger, is told of by entry."""

# ruff: noqa: S608 - the statements are made of names in this file

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.brands.trail import found, ids, seal, seals, tampering, verify, write, write_for_nobody
from tests.factories import BrandWorld
from tests.planes import acting_as
from tieback.brands import verification

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = (
    ("actor", "'user:999'"),
    ("action", "'test.other'"),
    ("target_type", "'other'"),
    ("target_id", "'999'"),
    ("reason", "'because'"),
    ("before", """'{"n": 0}'"""),
    ("after", """'{"n": 0}'"""),
    ("request_id", "'x'"),
    ("created_at", "created_at - interval '1 microsecond'"),
)


@pytest.fixture(autouse=True)
def nothing_waits(db: None) -> None:
    with tampering() as cursor:
        cursor.execute("truncate brands_unsealedentry, brands_auditseal, brands_auditentry")


@pytest.fixture
def trail(nordhav: BrandWorld) -> list[int]:
    """Three seals of two entries each."""
    for _ in range(3):
        write(nordhav.brand.id, 2)
        seal()
    return ids(nordhav.brand.id)


def tamper(statement: str, *values: object) -> None:
    with tampering() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount > 0


def test_a_trail_that_nobody_touched_is_whole(trail, nordhav):
    code, report = verify()
    ((_, _, _), (_, _, _), (_, _, head)) = seals(nordhav.brand.id)
    assert (code, report["ok"], report["findings"], report["waiting"]) == (0, True, [], 0)
    assert report["chains"] == [
        {
            "brand": str(nordhav.brand.id),
            "slug": nordhav.brand.slug,
            "seals": 3,
            "entries": 6,
            "head": head,
        }
    ]


@pytest.mark.parametrize(("column", "value"), COLUMNS, ids=[name for name, _ in COLUMNS])
def test_an_altered_entry_is_named_whatever_was_altered(trail, column, value):
    tamper(f"update brands_auditentry set {column} = {value} where id = %s", trail[2])
    assert found() == [("altered", trail[2], 2)]


def test_every_column_of_an_entry_is_hashed():
    with acting_as("console"), connection.cursor() as cursor:
        cursor.execute("select * from brands_auditentry limit 0")
        columns = {column.name for column in cursor.description}
    assert columns == {name for name, _ in COLUMNS} | {"id", "brand_id"}
    assert all(f"e.{name}" in verification.ENTRY_HASH for name in columns)


def test_an_entry_given_to_another_brand_is_named(trail, strangers):
    tamper("update brands_auditentry set brand_id = %s where id = %s", strangers.brand.id, trail[0])
    assert found() == [("altered", trail[0], 1)]


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_removed_entry_is_named(trail, place):
    tamper("delete from brands_auditentry where id = %s", trail[place])
    assert found() == [("removed", trail[place], place // 2 + 1)]


def test_entries_that_changed_places_are_named(trail):
    one, other = trail[0], trail[4]
    for was, becomes in ((one, -1), (other, one), (-1, other)):
        tamper("update brands_auditentry set id = %s where id = %s", becomes, was)
    assert found() == [("altered", one, 1), ("altered", other, 3)]


def test_an_entry_that_was_slipped_in_is_named(trail, nordhav):
    tamper(
        "insert into brands_auditentry (id, brand_id, actor, action, target_type, target_id,"
        " reason, before, after, request_id, created_at) overriding system value"
        " select -7, brand_id, actor, action, target_type, target_id, reason, before, after,"
        " request_id, created_at from brands_auditentry where id = %s",
        trail[0],
    )
    assert found() == [("inserted", -7, None)]


def test_an_entry_that_waits_for_its_seal_is_no_finding(trail, nordhav):
    write(nordhav.brand.id)
    code, report = verify()
    assert (code, report["waiting"]) == (0, 1)
    tamper("delete from brands_unsealedentry")
    assert found() == [("inserted", ids(nordhav.brand.id)[-1], None)]


def test_a_hash_changed_along_with_its_entry_shows_in_the_seal(trail):
    tamper("update brands_auditentry set reason = 'because' where id = %s", trail[2])
    tamper(
        "update brands_auditseal s set entry_hashes[1] ="
        f" (select {verification.ENTRY_HASH} from brands_auditentry e where e.id = %s)"
        " where sequence = 2",
        trail[2],
    )
    assert found() == [("seal_altered", None, 2)]


def test_a_seal_made_anew_around_it_does_not_lead_to_the_next(trail):
    test_a_hash_changed_along_with_its_entry_shows_in_the_seal(trail)
    tamper(f"update brands_auditseal s set hash = {verification.SEAL_HASH} where sequence = 2")
    assert found() == [("chain_broken", None, 3)]


@pytest.mark.parametrize(
    "change",
    [
        "sealed_at = sealed_at - interval '1 day'",
        "entry_ids = entry_ids[1:1], entry_hashes = entry_hashes[1:1], count = 1",
        "entry_hashes = array[entry_hashes[2], entry_hashes[1]]",
        "last_entry = last_entry + 1",
        "count = count + 1",
        "previous_hash = hash",
    ],
)
def test_an_altered_seal_is_named(trail, change):
    tamper(f"update brands_auditseal set {change} where sequence = 2")
    assert ("seal_altered", None, 2) in found()


def test_a_removed_seal_is_told_by_the_one_after_it_and_its_entries(trail):
    tamper("delete from brands_auditseal where sequence = 2")
    assert found() == [
        ("seal_removed", None, 3),
        ("inserted", trail[2], None),
        ("inserted", trail[3], None),
    ]


def test_seals_that_changed_places_are_named(trail):
    for was, becomes in ((2, 100), (3, 2), (100, 3)):
        tamper("update brands_auditseal set sequence = %s where sequence = %s", becomes, was)
    kinds = found()
    assert ("seal_altered", None, 2) in kinds
    assert ("seal_altered", None, 3) in kinds


def test_the_last_seal_without_its_entries_is_missed_by_them(trail):
    tamper("delete from brands_auditseal where sequence = 3")
    assert found() == [("inserted", trail[4], None), ("inserted", trail[5], None)]


def test_a_chain_cut_off_at_its_end_shows_against_a_hash_noted_elsewhere(trail, nordhav):
    noted = seals(nordhav.brand.id)[-1][2]
    assert found(contains=[noted]) == []
    tamper("delete from brands_auditseal where sequence = 3")
    tamper("delete from brands_auditentry where id = any(%s)", trail[4:])
    assert found() == [], "what is left is whole"
    assert found(contains=[noted]) == [("noted_seal_missing", None, None)]


def test_one_brand_is_verified_alone(trail, nordhav, strangers):
    write(strangers.brand.id)
    nobodys = write_for_nobody()
    seal()
    tamper("update brands_auditentry set reason = 'x' where brand_id = %s", strangers.brand.id)
    tamper("update brands_auditentry set reason = 'x' where id = %s", nobodys)
    assert found(brand=nordhav.brand.slug) == []
    assert [kind for kind, *_ in found(brand=strangers.brand.slug)] == ["altered"]
    assert len(found()) == 2


def test_very_many_findings_are_counted_and_not_all_listed(trail, monkeypatch):
    monkeypatch.setattr(verification, "MOST_LISTED", 2)
    tamper("update brands_auditentry set reason = 'x'")
    code, report = verify()
    assert (code, len(report["findings"]), report["findings_omitted"]) == (1, 2, 4)


def test_the_words_for_people_name_brand_entry_and_seal(trail, nordhav):
    tamper("delete from brands_auditentry where id = %s", trail[0])
    out = io.StringIO()
    with acting_as("console"), pytest.raises(SystemExit) as ended:
        call_command("verify_audit", stdout=out)
    assert ended.value.code == 1
    assert f"brand {nordhav.brand.id}: entry {trail[0]} of seal 1 was removed" in out.getvalue()
    assert out.getvalue().strip().endswith("The trail was tampered with.")


def test_an_unknown_brand_and_a_malformed_hash_are_refused(nordhav):
    with acting_as("console"):
        with pytest.raises(CommandError, match="there is no brand 'nobody'"):
            call_command("verify_audit", brand="nobody")
        with pytest.raises(CommandError, match="not a seal's hash"):
            call_command("verify_audit", contains=["abc"])
