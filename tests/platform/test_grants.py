"""What the migrations grant to each plane's role, and what they must not."""

import re
from collections.abc import Iterator

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.platform.furnishing import brand_tables

pytestmark = pytest.mark.django_db


def grants() -> Iterator[tuple[str, str, set[str]]]:
    """Yield role, privileges and tables of every grant in the migrations.

    The database of a test run cannot be asked: its set-up grants more, for making rows.
    """
    for migration in MigrationLoader(None).disk_migrations.values():
        for operation in migration.operations:
            for statement in sql_of(operation):
                found = re.fullmatch(r"grant (.+) on ([\w, ]+) to (\w+)", statement)
                if found:
                    yield found[3], found[1], set(found[2].split(", "))


def sql_of(operation: object) -> list[str]:
    sql = getattr(operation, "sql", [])
    return [sql] if isinstance(sql, str) else [text for text in sql if isinstance(text, str)]


def test_the_resolver_is_granted_what_a_passport_shows_and_nothing_else():
    granted = [tables for role, _, tables in grants() if role == "tieback_resolver"]
    assert set().union(*granted) <= {
        "brands_brand",
        "brands_brandlogo",
        "brands_resolverhost",
        "minting_product",
        "minting_passportversion",
        "minting_passportchange",
        "minting_productidentifier",
        "minting_mintbatch",
        "minting_mintlot",
        "minting_mintunit",
        "minting_mintrevocation",
        "minting_batchproof",
        "minting_proofhead",
        "minting_proofkey",
        "minting_chainsubmission",
        "minting_chaintransaction",
        "minting_chaintree",
        "minting_unitasset",
        "minting_metadatadocument",
        "resolver_activation",
        "resolver_scanevent",
        "resolver_scanagent",
        "resolver_scanpolicy",
        "resolver_visitorkey",
        "resolver_link",
        "resolver_tag",
        "django_migrations",
    }


def test_the_rows_of_a_brand_that_serving_roles_delete_are_these():
    deleted = {
        (role, table)
        for role, privileges, tables in grants()
        for table in tables
        if "delete" in privileges and table in brand_tables()
    }
    assert deleted == {
        ("tieback_worker", "resolver_activation"),
        ("tieback_worker", "api_keptanswer"),
        # reports that were kept for long enough
        ("tieback_worker", "minting_reconciliationrun"),
        ("tieback_worker", "minting_chaindrift"),
        # what is older than its brand keeps it, and figures that are counted anew
        ("tieback_worker", "resolver_scanevent"),
        ("tieback_worker", "resolver_scanhour"),
        ("tieback_worker", "resolver_scanday"),
        ("tieback_worker", "resolver_scansignal"),
        # a pause that has ended; the audit trail keeps both acts
        ("tieback_app", "minting_mintpause"),
        ("tieback_ops", "minting_mintpause"),
        ("tieback_app", "brands_membership"),
        # a logo is replaced or taken down; the audit trail keeps its hash
        ("tieback_ops", "brands_brandlogo"),
        # lists of serials that no batch uses; a trigger keeps those that are used
        ("tieback_app", "minting_seriallist"),
        ("tieback_app", "minting_seriallistchunk"),
        # links; the audit trail keeps what they were
        ("tieback_app", "resolver_link"),
    }


APPENDED = {"brands_auditentry", "brands_auditseal", "minting_mintevent", "minting_mintcycle"}


def test_the_web_plane_makes_people_and_no_operators():
    (columns,) = (
        privileges
        for role, privileges, tables in grants()
        if role == "tieback_app" and "brands_user" in tables and "insert" in privileges
    )
    assert columns == "insert (email, full_name, password)"


def test_no_serving_role_seals_or_unseals_by_itself():
    """The worker may have it done; the operators read."""
    granted = {
        (role, table): privileges
        for role, privileges, tables in grants()
        for table in tables & {"brands_auditseal", "brands_unsealedentry"}
    }
    assert granted == {
        ("tieback_ops", "brands_auditseal"): "select",
        ("tieback_ops", "brands_unsealedentry"): "select",
    }


def test_kept_answers_are_read_by_the_web_plane_alone():
    readers = {
        (role, privileges)
        for role, privileges, tables in grants()
        if "api_keptanswer" in tables
        and (
            re.search(r"select(?! \()", privileges)
            or re.search(r"select \([^)]*answer", privileges)
        )
    }
    assert {role for role, _ in readers} == {"tieback_app"}


def test_the_audit_trail_and_the_story_are_only_ever_added_to():
    for _, privileges, tables in grants():
        if tables & APPENDED:
            assert not {"update", "delete"} & set(re.findall(r"\w+", privileges)), tables
