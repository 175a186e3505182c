"""What PostgreSQL itself refuses, asked in plain SQL with each plane's own role.

Nothing here goes through our Python: were every check in it forgotten, this would still hold.
"""

# ruff: noqa: S608 - the names of tables in the statements come from our models

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings

from tests.platform.conftest import TwoBrands
from tests.platform.furnishing import BATCHES, Furnished, brand_tables
from tieback.brands.credentials import IssuedCredential
from tieback.brands.roles import Role
from tieback.planes import PLANES

pytestmark = pytest.mark.django_db

SERVING = ("web", "worker", "resolver", "console")
OPERATORS = "tieback_ops"

#: Here the brand is looked up once for a statement.
WRITTEN_BY_THE_MILLION = {"minting_mintunit", "minting_unitasset"}
#: Every policy that lets a role past the brand, and why. The operators' is on every table.
DOORS = {
    # jobs and packs are claimed by whichever worker is free, whosever they are
    ("minting_mintjob", "open_tieback_worker", "tieback_worker", "ALL"),
    ("exports_packbuild", "open_tieback_worker", "tieback_worker", "ALL"),
    ("exports_payloadpack", "open_tieback_worker", "tieback_worker", "ALL"),
    # so are proofs, and documents to pin
    ("minting_batchproof", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_metadatadocument", "open_tieback_worker", "tieback_worker", "ALL"),
    # and what is written to a chain
    ("minting_chainsubmission", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_chaintransaction", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_chaintree", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_unitasset", "open_tieback_worker", "tieback_worker", "ALL"),
    # and what is compared with it, and the roots that were to be written
    ("minting_reconciliationrun", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_chaindrift", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_proofhead", "read_tieback_worker", "tieback_worker", "SELECT"),
    # so are acts of revoking; whoever claims has to know what is paused, whosever it is
    ("minting_mintrevocation", "open_tieback_worker", "tieback_worker", "ALL"),
    ("minting_mintpause", "read_tieback_worker", "tieback_worker", "SELECT"),
    # answers that have expired are deleted, whosever they are; the grant lets none be read
    ("api_keptanswer", "open_tieback_worker", "tieback_worker", "ALL"),
    # activations wait there until a worker counts them into their batch
    ("resolver_activation", "open_tieback_worker", "tieback_worker", "ALL"),
    # scans of all brands are counted together, and judged as their brands ask
    ("resolver_scanevent", "open_tieback_worker", "tieback_worker", "ALL"),
    ("resolver_scanhour", "open_tieback_worker", "tieback_worker", "ALL"),
    ("resolver_scanday", "open_tieback_worker", "tieback_worker", "ALL"),
    ("resolver_scansignal", "open_tieback_worker", "tieback_worker", "ALL"),
    # and they are counted by product, which their batch tells
    ("minting_mintbatch", "read_tieback_worker", "tieback_worker", "SELECT"),
    ("resolver_scanpolicy", "read_tieback_worker", "tieback_worker", "SELECT"),
    ("resolver_scanpolicy", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # a scan names a unit and nothing else; what may be read of it is a matter of column grants
    ("resolver_activation", "open_tieback_resolver", "tieback_resolver", "ALL"),
    ("resolver_scanevent", "open_tieback_resolver", "tieback_resolver", "ALL"),
    # a tap raises the counter of its tag, and no other column
    ("resolver_tag", "open_tieback_resolver", "tieback_resolver", "ALL"),
    ("minting_mintunit", "open_tieback_resolver", "tieback_resolver", "ALL"),
    ("minting_mintbatch", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_mintlot", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_mintrevocation", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_product", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_passportversion", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # a code printed under a GTIN that its product no longer has still leads to the product
    ("minting_productidentifier", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("resolver_link", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("brands_brand", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("brands_resolverhost", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # who holds a code may check that it was issued
    ("minting_batchproof", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_proofhead", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_proofkey", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_chainsubmission", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_chaintransaction", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    ("minting_chaintree", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # and see what became of its passport
    ("minting_passportchange", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # a first scan may wish for the unit's asset
    ("minting_unitasset", "open_tieback_resolver", "tieback_resolver", "ALL"),
    # what is pinned is there for anyone
    ("minting_metadatadocument", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # a logo is there to be shown to anyone
    ("brands_brandlogo", "read_tieback_resolver", "tieback_resolver", "SELECT"),
    # the trigger that holds a brand's host runs as the owner
    ("brands_resolverhost", "open_tieback_owner", "tieback_owner", "ALL"),
    # the functions that find a credential by its id, find an invitation by its token and seal the
    # audit trail run as the owner
    ("brands_apicredential", "read_tieback_owner", "tieback_owner", "SELECT"),
    ("brands_invitation", "read_tieback_owner", "tieback_owner", "SELECT"),
    ("brands_auditentry", "read_tieback_owner", "tieback_owner", "SELECT"),
    # so does the one that says what an access grant opens
    ("resolver_accessgrant", "read_tieback_owner", "tieback_owner", "SELECT"),
    ("brands_auditseal", "open_tieback_owner", "tieback_owner", "ALL"),
}
#: Conditions beside the brand's own: a person finds out which brands they belong to.
OWN_ROWS = {"brands_brand", "brands_membership"}
#: A pause of a queue belongs to no brand and is everyone's to see.
NOBODYS_ROWS = {"minting_mintpause"}

each_plane = pytest.mark.parametrize("plane", SERVING)


@contextmanager
def session(plane: str, *, brand: Furnished | None = None) -> Iterator[psycopg.Connection]:
    """Log in as the plane's role, in a transaction that is rolled back."""
    database, known = settings.DATABASES["default"], PLANES[plane]
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        dbname=database["NAME"],
        user=known.role,
        password=os.environ[known.password_variable],
    ) as connection:
        if brand:
            enter(connection, brand.world.brand.id)
        yield connection
        connection.rollback()


def enter(connection: psycopg.Connection, brand_id: UUID) -> None:
    connection.execute("select set_config('tieback.brand_id', %s, true)", [str(brand_id)])


def value(connection: psycopg.Connection, query: str, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def brand_column(table: str) -> str:
    return "id" if table == "brands_brand" else "brand_id"


def doors_of(plane: str) -> set[str]:
    """Return the tables of which the plane's role sees every brand's rows."""
    role = PLANES[plane].role
    if role == OPERATORS:
        return set(brand_tables())
    return {table for table, _, opened_to, _ in DOORS if opened_to == role}


def tables_with(privilege: str, plane: str) -> list[str]:
    """Return the brand-owned tables, at least one column of which the role may touch so."""
    with session(plane) as connection:
        query = f"select has_any_column_privilege(%s, '{privilege}')"
        return [table for table in brand_tables() if value(connection, query, table)]


def test_every_table_with_a_brand_is_forced_under_a_policy_for_reading_and_writing():
    with session("owner") as connection:
        owned = connection.execute(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relnamespace = 'public'::regnamespace and a.attname = 'brand_id'"
            " and c.relkind in ('r', 'p') and not c.relispartition"
            " union select 'brands_brand'"
        ).fetchall()
        secured = connection.execute(
            "select c.relname, p.qual, p.with_check from pg_class c"
            " join pg_policies p on p.tablename = c.relname and p.policyname = 'brand_only'"
            " where c.relrowsecurity and c.relforcerowsecurity and p.cmd = 'ALL'"
            " and p.roles = '{public}' and p.permissive = 'PERMISSIVE'"
        ).fetchall()
    own = "(NULLIF(current_setting('tieback.brand_id'::text, true), ''::text))::uuid"
    once = f'( SELECT {own} AS "nullif")'
    conditions = {
        table: (f"({brand_column(table)} = {once if table in WRITTEN_BY_THE_MILLION else own})",)
        * 2
        for (table,) in owned
    }
    assert {table: (using, check) for table, using, check in secured} == conditions
    assert set(conditions) == set(brand_tables())


def test_a_day_of_scans_is_reached_through_the_table_of_all_days_alone():
    with session("owner") as connection:
        days = connection.execute(
            "select c.relrowsecurity and c.relforcerowsecurity,"
            " exists (select from pg_policy p where p.polrelid = c.oid)"
            " from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'resolver_scanevent'::regclass"
        ).fetchall()
    assert len(days) >= 15
    assert set(days) == {(True, False)}


def test_the_only_policies_past_the_brand_are_the_named_doors():
    with session("owner") as connection:
        rows = connection.execute(
            "select tablename, policyname, roles[1]::text, cmd from pg_policies"
            " where schemaname = 'public' and (qual = 'true' or with_check = 'true')"
        ).fetchall()
        others = connection.execute(
            "select tablename, policyname, cmd, with_check from pg_policies"
            " where schemaname = 'public' and qual <> 'true' and policyname <> 'brand_only'"
        ).fetchall()
    operators = {(table, f"open_{OPERATORS}", OPERATORS, "ALL") for table in brand_tables()}
    assert set(rows) == DOORS | operators
    assert set(others) == {(table, "own_rows", "SELECT", None) for table in OWN_ROWS | NOBODYS_ROWS}


def test_no_view_shows_rows_with_its_owners_rights():
    with session("owner") as connection:
        assert not connection.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('v', 'm')"
            " and not 'security_invoker=true' = any(coalesce(reloptions, '{}'))"
        ).fetchall()


#: Functions that run with their owner's rights, and the role that may call each.
DEFINERS = {
    "tieback_find_credential": "tieback_app",
    "tieback_find_invitation": "tieback_app",
    "tieback_seal_audit": "tieback_worker",
    "tieback_make_scan_days": "tieback_worker",
    "tieback_drop_scan_days": "tieback_worker",
    "tieback_find_access_grant": "tieback_resolver",
    # triggers': nobody calls them
    "tieback_note_unsealed": None,
    "tieback_hold_resolver_host": None,
}


def test_the_named_functions_alone_run_with_their_owners_rights():
    with session("owner") as connection:
        rows = connection.execute(
            "select proname, proconfig from pg_proc"
            " where pronamespace = 'public'::regnamespace and prosecdef"
        ).fetchall()
    assert {name for name, _ in rows} == set(DEFINERS)
    assert all("search_path=pg_catalog, public" in config for _, config in rows)


def test_each_of_them_is_for_one_role_or_for_none():
    with session("owner") as connection:
        may_call = connection.execute(
            "select p.proname, r.rolname from pg_proc p, pg_roles r"
            " where p.pronamespace = 'public'::regnamespace and p.prosecdef"
            " and r.rolname = any(%s) and has_function_privilege(r.oid, p.oid, 'execute')",
            [[PLANES[plane].role for plane in SERVING]],
        ).fetchall()
    assert dict(may_call) == {name: role for name, role in DEFINERS.items() if role}
    assert len(may_call) == len(dict(may_call))


@each_plane
def test_a_serving_role_has_no_power_and_owns_nothing(plane):
    role = PLANES[plane].role
    with session(plane) as connection:
        assert value(connection, "select current_user") == role
        powers = "rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
        assert not value(connection, f"select {powers} from pg_roles where rolname = %s", role)
        owned = "select count(*) from pg_class where relowner = %s::regrole"
        assert value(connection, owned, role) == 0
        member = "select count(*) from pg_auth_members where member = %s::regrole"
        assert value(connection, member, role) == 0
        for privilege in ("public", "CREATE"), (settings.DATABASES["default"]["NAME"], "CREATE"):
            kind = "schema" if privilege[0] == "public" else "database"
            assert not value(connection, f"select has_{kind}_privilege(%s, %s)", *privilege)


@each_plane
def test_without_a_brand_no_row_exists(plane, two_brands: TwoBrands):
    for table in set(tables_with("select", plane)) - doors_of(plane):
        with session(plane) as connection:
            assert value(connection, f"select count(*) from {table}") == 0, table


@each_plane
def test_with_a_brand_only_its_rows_exist(plane, two_brands: TwoBrands):
    own = two_brands.own.world.brand.id
    for table in set(tables_with("select", plane)) - doors_of(plane):
        with session(plane, brand=two_brands.own) as connection:
            column = brand_column(table)
            seen = connection.execute(f"select distinct {column} from {table}").fetchall()
            assert seen == [(own,)], table


def test_the_doors_are_open_as_far_as_named_so_the_tests_above_can_fail(two_brands: TwoBrands):
    for table, _, role, _ in DOORS:
        plane = next(name for name, known in PLANES.items() if known.role == role)
        with session(plane) as connection:
            if table in tables_with("select", plane):
                assert value(connection, f"select count(*) from {table}") >= 2, table


@each_plane
def test_a_row_of_another_brand_cannot_be_inserted(plane, two_brands: TwoBrands):
    foreign = two_brands.foreign.world.brand.id
    for table in set(tables_with("insert", plane)) - doors_of(plane):
        with session(plane, brand=two_brands.own) as connection:
            insert = f"insert into {table} ({brand_column(table)}) values (%s)"
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                connection.execute(insert, [foreign])


@each_plane
def test_a_row_of_the_own_brand_meets_the_tables_own_rules_only(plane, two_brands: TwoBrands):
    """Shows that the refusal above is the policy's, and not a missing privilege's."""
    for table in set(tables_with("insert", plane)) - doors_of(plane):
        with session(plane, brand=two_brands.own) as connection:
            own = uuid4() if table == "brands_brand" else two_brands.own.world.brand.id
            enter(connection, own)
            insert = f"insert into {table} ({brand_column(table)}) values (%s)"
            with pytest.raises(psycopg.errors.IntegrityError):
                connection.execute(insert, [own])


@each_plane
def test_rows_of_another_brand_cannot_be_changed(plane, two_brands: TwoBrands):
    foreign = two_brands.foreign.world.brand.id
    for table in set(tables_with("update", plane)) - doors_of(plane):
        with session(plane, brand=two_brands.own) as connection:
            column = changeable_column(connection, table)
            changed = connection.execute(f"update {table} set {column} = {column}")
            own_rows = changed.rowcount
            enter(connection, foreign)
            foreign_rows = connection.execute(f"update {table} set {column} = {column}").rowcount
            enter(connection, uuid4())
            assert connection.execute(f"update {table} set {column} = {column}").rowcount == 0
            assert own_rows == foreign_rows == rows_of_each(table, two_brands), table


def changeable_column(connection: psycopg.Connection, table: str) -> str:
    """Return a column the role may update."""
    return value(
        connection,
        "select column_name from information_schema.columns where table_name = %s"
        " and has_column_privilege(table_name, column_name, 'update')"
        " order by column_name not in ('status', 'name', 'last_used_at') limit 1",
        table,
    )


def rows_of_each(table: str, brands: TwoBrands) -> int:
    with session("console") as connection:
        counts = {
            value(
                connection,
                f"select count(*) from {table} where {brand_column(table)} = %s",
                brand.world.brand.id,
            )
            for brand in brands
        }
    (count,) = counts
    return int(count)


@each_plane
def test_a_row_cannot_be_given_to_another_brand(plane, two_brands: TwoBrands):
    foreign = two_brands.foreign.world.brand.id
    for table in set(tables_with("update", plane)) - doors_of(plane):
        given_away = f"update {table} set {brand_column(table)} = %s"
        with (
            session(plane, brand=two_brands.own) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(given_away, [foreign])


def test_a_brand_set_for_a_transaction_is_gone_after_it(two_brands: TwoBrands):
    for end in ("commit", "rollback"):
        with session("web", brand=two_brands.own) as connection:
            assert value(connection, "select count(*) from minting_mintbatch") == BATCHES
            connection.execute(end)
            left = value(connection, "select current_setting('tieback.brand_id', true)")
            assert left == "", "what SET LOCAL leaves behind is empty text, and that opens nothing"
            assert value(connection, "select count(*) from minting_mintbatch") == 0


def test_a_malformed_brand_opens_nothing(two_brands: TwoBrands):
    with session("web") as connection:
        connection.execute("select set_config('tieback.brand_id', 'quillon', true)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("select count(*) from minting_mintbatch")


# The doors across brands -----------------------------------------------------------------------

FIND = "select brand_id from tieback_find_credential(%s)"


def test_a_credential_is_found_by_its_id_without_a_brand(two_brands: TwoBrands):
    with session("web") as connection:
        for brand in two_brands:
            assert value(connection, FIND, brand.credential.id) == brand.world.brand.id


@pytest.mark.parametrize(
    "ended", ["revoked_at = now()", "expires_at = now() - interval '1 second'"]
)
def test_a_credential_that_has_ended_is_not_found(ended, two_brands: TwoBrands):
    """Asked as the operators' role, which may end it, of the function's own query."""
    with session("console") as connection:
        definition = value(
            connection, "select pg_get_functiondef('tieback_find_credential'::regproc)"
        )
        query = definition.split("$function$")[1].replace("wanted", "%s")
        credential: IssuedCredential = two_brands.own.credential
        assert value(connection, query, credential.id)
        connection.execute(
            f"update brands_apicredential set {ended} where id = %s", [credential.id]
        )
        assert value(connection, query, credential.id) is None


@pytest.mark.parametrize("guess", ["%", "mk_live_%", "", "' or true --", None])
def test_credentials_cannot_be_listed_through_their_door(guess, two_brands: TwoBrands):
    with session("web") as connection:
        assert connection.execute(FIND, [guess]).fetchall() == []
        assert value(connection, "select count(*) from brands_apicredential") == 0


@pytest.mark.parametrize("plane", ["worker", "resolver", "console"])
def test_no_other_plane_has_the_credentials_door(plane, two_brands: TwoBrands):
    with session(plane) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(FIND, [two_brands.own.credential.id])


def test_a_person_finds_their_own_memberships_and_brands_only(two_brands: TwoBrands):
    own, _ = two_brands
    person = own.world.people[Role.VIEWER]
    with session("web") as connection:
        connection.execute("select set_config('tieback.user_id', %s, true)", [str(person.pk)])
        members = connection.execute("select user_id, brand_id from brands_membership").fetchall()
        brands = connection.execute("select id from brands_brand").fetchall()
        assert (members, brands) == ([(person.pk, own.world.brand.id)], [(own.world.brand.id,)])
        for table in set(tables_with("select", "web")) - OWN_ROWS:
            assert value(connection, f"select count(*) from {table}") == 0, table


def test_the_memberships_door_is_for_reading(two_brands: TwoBrands):
    person = two_brands.own.world.people[Role.VIEWER]
    with session("web") as connection:
        connection.execute("select set_config('tieback.user_id', %s, true)", [str(person.pk)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(
                "insert into brands_membership (id, user_id, brand_id, role)"
                " values (%s, %s, %s, 'owner')",
                [uuid4(), person.pk, two_brands.foreign.world.brand.id],
            )


def test_the_worker_reads_no_audit_entry_of_any_brand_it_has_not_entered(two_brands: TwoBrands):
    with session("worker") as connection:
        connection.execute("select * from tieback_seal_audit(10)")
        assert value(connection, "select count(*) from brands_auditentry") == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select count(*) from brands_unsealedentry")
