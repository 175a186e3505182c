"""The audit trail as its managers read it, and that nothing is changed without an entry.

The second part is made from the URLconf: whoever adds an operation that changes something either
writes an entry or says here why not.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from minting.models import MintBatch
from tests.api.people import acting, acts, outcome
from tests.factories import BrandWorld, make_product
from tests.platform.asks import ASKS, ask_of, path_of, send
from tests.platform.callers import callers_of
from tests.platform.conftest import TwoBrands
from tests.platform.furnishing import Furnished, brand_tables
from tests.platform.routes import Route, brand_routes, routes
from tieback.brands import audit
from tieback.brands.audit import ActsFor, record
from tieback.brands.models import AuditEntry
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import brand_scope

URL = "/api/v1/audit-entries/"
MUTATING = ("POST", "PUT", "PATCH", "DELETE")
#: Operations that write nothing, though they are asked by POST.
WRITES_NOTHING = {("preflight", "POST"), ("cost-estimate", "POST")}
#: The furnished unit's was asked for before: there is nothing to change. See
#: tests/chain/assets/test_on_demand.
ASKED_BEFORE = {("mint-on-chain", "POST")}
#: Outside any brand: signing in and out, and accepting an invitation (tests/api/test_invitations).
OUTSIDE = {"token", "token-refresh", "session", "invitation-accept", "login", "logout"}

pytestmark = pytest.mark.django_db


# Reading ---------------------------------------------------------------------------------------


@pytest.fixture
def trail(nordhav: BrandWorld) -> list[AuditEntry]:
    with brand_scope(nordhav.brand.id):
        for number, (actor, action) in enumerate(
            [("user:1", "thing.made"), ("user:2", "thing.changed"), ("user:1", "other.made")]
        ):
            record(
                ActsFor(nordhav.brand.id, actor),
                action,
                action.partition(".")[0],
                number,
                before={"a": number},
                after={"a": number + 1},
            )
    return acts(nordhav)


@pytest.mark.parametrize("role", Role)
def test_managers_read_the_trail_and_nobody_else(nordhav: BrandWorld, trail, role):
    response = acting(nordhav, role).get(URL)
    if role in {Role.OWNER, Role.ADMIN}:
        assert [row["id"] for row in response.json()["data"]] == [e.pk for e in reversed(trail)]
    else:
        assert outcome(response) == (403, "FORBIDDEN")


def test_a_credential_reads_it_with_its_scope(nordhav, strangers, trail, client_of):
    assert len(client_of(nordhav, (Scope.AUDIT_READ.value,)).get(URL).json()["data"]) == 3
    assert client_of(strangers, (Scope.AUDIT_READ.value,)).get(URL).json()["data"] == []
    assert client_of(nordhav, (Scope.MINTS_READ.value,)).get(URL).status_code == 403


def test_an_entry_says_who_did_what_and_how_it_was(nordhav: BrandWorld, trail):
    row = acting(nordhav, Role.OWNER).get(URL).json()["data"][-1]
    assert row == {
        "id": trail[0].pk,
        "created_at": row["created_at"],
        "actor": "user:1",
        "action": "thing.made",
        "target_type": "thing",
        "target_id": "0",
        "reason": "",
        "before": {"a": 0},
        "after": {"a": 1},
        "request_id": "",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=user:1", [2, 0]),
        ("action=thing.changed", [1]),
        ("target_type=thing", [1, 0]),
        ("target_type=thing&target_id=1", [1]),
        ("request_id=none", []),
        ("ordering=created_at", [0, 1, 2]),
        ("page_size=1", [2]),
    ],
)
def test_a_list_is_narrowed_and_ordered(nordhav: BrandWorld, trail, query, found):
    rows = acting(nordhav, Role.OWNER).get(f"{URL}?{query}").json()["data"]
    assert [row["id"] for row in rows] == [trail[number].pk for number in found]


def test_a_list_is_narrowed_by_time(nordhav: BrandWorld, trail):
    client = acting(nordhav, Role.OWNER)
    for name, expected in (("created_after", 0), ("created_before", 3)):
        moment = (timezone.now() + timedelta(hours=1)).isoformat().replace("+", "%2B")
        assert len(client.get(f"{URL}?{name}={moment}").json()["data"]) == expected


# Writing ---------------------------------------------------------------------------------------


def changes() -> list[tuple[Route, str]]:
    return [
        (route, method)
        for route in brand_routes()
        for method in MUTATING
        if (route.name, method) in ASKS
    ]


#: What even the furnished brand is refused changes nothing; their own tests read the trail.
HAPPENING = [
    (route, method)
    for route, method in changes()
    if (route.name, method) not in ASKED_BEFORE and ask_of(route, method).success < 400
]


each_change = pytest.mark.parametrize(
    ("route", "method"), HAPPENING, ids=[f"{route} {method}" for route, method in HAPPENING]
)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(route: Route, method: str, brand: Furnished, path: str):
    asked = ask_of(route, method)
    owner = callers_of(brand)[0]
    body = asked.body(brand) if asked.body else None
    return send(method, path, body, headers=owner.headers)


def prepared(route: Route, brand: Furnished) -> str:
    """Return the path of an object that the request will change."""
    path = path_of(route, brand)
    if route.name == "mint-queue-resume":
        owner = callers_of(brand)[0]
        pause = send(
            "POST", path.replace("resume", "pause"), {"reason": "stop"}, headers=owner.headers
        )
        assert pause.status_code < 300, pause.content
    if route.name != "pack-list":
        return path
    # The furnished batch has its packs: asking again changes nothing.
    return path.replace(str(brand.minted.batch_id), str(batch_without_packs(brand)))


def batch_without_packs(brand: Furnished) -> UUID:
    with brand_scope(brand.world.brand.id):
        product = make_product(brand.world)
        batch = MintBatch.objects.get(pk=brand.minted.batch_id)
        batch.pk, batch.product, batch.passport_version = None, product, product.versions.get()
        batch.id, batch.production_batch = uuid4(), None
        batch.save(force_insert=True)
    return batch.id


def counted(brand: Furnished) -> dict[str, int]:
    """Count the brand's rows by table, as far as the web plane sees any."""
    found = {}
    with brand_scope(brand.world.brand.id), connection.cursor() as cursor:
        for table in brand_tables():
            cursor.execute("select has_any_column_privilege(%s, 'select')", [table])
            if cursor.fetchone()[0]:
                cursor.execute(f"select count(*) from {table}")  # noqa: S608 - our own tables
                found[table] = cursor.fetchone()[0]
    return found


@each_change
def test_every_change_writes_an_entry(route: Route, method: str, two_brands: TwoBrands):
    own = two_brands.own
    with undone():
        path = prepared(route, own)
        before = [entry.pk for entry in acts(own.world)]
        response = ask(route, method, own, path)
        assert response.status_code < 300, response.content
        new = [entry for entry in acts(own.world) if entry.pk not in before]
        if (route.name, method) in WRITES_NOTHING:
            assert new == []
            return
        assert new, f"{route} {method} changes something and says nothing of it"
        for entry in new:
            assert entry.actor == f"user:{own.world.people[Role.OWNER].pk}"
            assert entry.request_id == response["X-Request-Id"]
            assert entry.target_id


@each_change
def test_where_the_entry_fails_the_change_fails(
    route: Route, method: str, two_brands: TwoBrands, monkeypatch
):
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the trail is full")

    own = two_brands.own
    with undone():
        path = prepared(route, own)
        before = counted(own)
        monkeypatch.setattr(AuditEntry, "save", broken)
        monkeypatch.setattr(audit, "_RECORD_ALL", "select 1 / 0")
        response = ask(route, method, own, path)
        if (route.name, method) not in WRITES_NOTHING:
            assert response.status_code == 500
            assert json.loads(response.content)["error"]["code"] == "INTERNAL_ERROR"
        assert counted(own) == before


def test_every_operation_that_changes_something_is_walked():
    offered = {
        (route.name, method)
        for route in routes()
        for method in MUTATING
        if hasattr(route.view, method.lower()) and route.name not in OUTSIDE
    }
    assert offered == {(route.name, method) for route, method in changes()}


@pytest.mark.plane("console")
def test_the_commands_write_an_entry(db, monkeypatch):
    monkeypatch.setenv("OPERATOR_PASSWORD", "correct horse battery staple")
    call_command(
        "create_brand",
        slug="acme",
        name="Acme",
        resolver_host="acme.example",
        owner_email="a@acme.example",
        stdout=io.StringIO(),
    )
    call_command(
        "create_operator",
        email="o@x.example",
        password_env="OPERATOR_PASSWORD",
        stdout=io.StringIO(),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "select action, actor from brands_auditentry where actor like 'system:%' order by id"
        )
        assert cursor.fetchall() == [
            ("brand.created", "system:create_brand"),
            ("operator.created", "system:create_operator"),
        ]
