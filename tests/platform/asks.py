"""What each URL of a brand is asked in the sweeps: path arguments, queries, bodies, outcomes.

A URL that needs something this file does not know fails the sweep, so that whoever adds one says
here how a caller of one brand would reach for an object of another.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, cast
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone

from tests.platform.furnishing import UNITS, Furnished, new_uid
from tests.platform.routes import Route
from tieback.brands.roles import Scope

#: An address of Solana.
SOMEBODY = "GPDL6X9PDjRvGnGQ1z2p3HhZNkFqhJPZ6jD3tUeu3KwN"
#: How a path argument is filled with an object of a brand.
ARGUMENTS: dict[str, Callable[[Furnished], object]] = {
    "job_id": lambda brand: brand.failed.id,
    "batch_id": lambda brand: brand.minted.batch_id,
    "credential_id": lambda brand: brand.credential.id,
    "product_id": lambda brand: brand.product.id,
    "production_batch_id": lambda brand: brand.production_batch.id,
    "revocation_id": lambda brand: brand.revocation.id,
    "serial_list_id": lambda brand: brand.serial_list.id,
    "member_id": lambda brand: brand.member.id,
    "invitation_id": lambda brand: brand.invitation.id,
    "grant_id": lambda brand: brand.grant.id,
    "pack_id": lambda brand: brand.pack.id if brand.pack else None,
    "token": lambda brand: brand.tokens[0],
    "mint_id": lambda brand: brand.failed.id,
    "signature": lambda brand: brand.signatures[0],
    "link_id": lambda brand: brand.link.id,
    "collection_id": lambda brand: brand.trees[0],
    "run_id": lambda brand: brand.run.id if brand.run else None,
    "number": lambda _: 1,
}

#: Objects of routes that take none of the above: only a job that waits can be paused.
OBJECTS: dict[str, dict[str, Callable[[Furnished], object]]] = {
    "job-pause": {"job_id": lambda brand: brand.waiting.id},
    "job-resume": {"job_id": lambda brand: brand.paused.id},
}

#: How a query parameter names an object of a brand.
REFERENCES: dict[str, Callable[[Furnished], object]] = {
    "batch": lambda brand: brand.minted.batch_id,
    "token": lambda brand: brand.tokens[0],
    "serial": lambda brand: brand.tokens[0],
    "lot": lambda brand: brand.lot.lot_code,
    "product": lambda brand: brand.product.id,
    "production_batch": lambda brand: brand.production_batch.id,
    "sku": lambda brand: brand.product.sku,
    "gtin": lambda brand: brand.product.gtin,
    "external_ref": lambda brand: brand.production_batch.external_ref,
    "email": lambda brand: brand.invitation.email,
    "name": lambda brand: f"{brand.slug.partition('-')[0]} one",
    "actor": lambda brand: f"user:{brand.slug.partition('-')[0]}",
    "target_id": lambda brand: brand.world.brand.id,
    "search": lambda brand: brand.slug.partition("-")[0],
    "q": lambda brand: brand.slug.partition("-")[0],
    "mpn": lambda brand: brand.product.mpn,
    "uid": lambda brand: brand.tags[0],
    "subject": lambda brand: brand.signatures[0],
}

#: Lists that answer only where the query names an object.
NEEDS_QUERY = {"mint-unit-list": "batch"}

#: Which parameters those lists answer to by themselves.
SUFFICIENT = {"mint-unit-list": frozenset({"batch", "token", "serial"})}

#: What else the query of such a list must hold.
FIXED_QUERY = {
    "product-version-diff": "from=1&to=1",
    "passport-fields": "category=generic",
}

#: Query parameters that name no object.
HARMLESS = frozenset(
    {
        "cursor",
        "page_size",
        "ordering",
        "created_after",
        "created_before",
        "status",
        "state",
        "role",
        "action",
        "target_type",
        "request_id",
        "priority",
        "type",
        "category",
        "access",
        "commercial_status",
        "dry_run",
        "reason",
        "kind",
        "updated_after",
        "updated_before",
        "quantity_from",
        "quantity_to",
        "ordinal_from",
        "ordinal_to",
        "physical_status",
        "profile",
        "ready",
        "revoked",
        "from",
        "to",
        "interval",
        "network",
        "group_by",
        "rule",
        "day_from",
        "day_to",
        "link_type",
        "language",
        "is_default",
        "for_all_products",
        "direction",
    }
)


@dataclass(frozen=True)
class Form:
    """A body of fields and one file."""

    fields: dict[str, str]
    file: bytes


@dataclass(frozen=True)
class Ask:
    """A request that changes something: the scope it needs, how it succeeds, and its body.

    ``crossing`` is the status of a body that names another brand's objects, for a path that names
    none; ``None`` where such a body cannot be written. Names that another brand has taken are
    free here: such a body succeeds.
    """

    needs: Scope
    success: int
    body: Callable[[Furnished], Any] | None = None
    crossing: int | None = None


def _mint(brand: Furnished) -> dict[str, object]:
    return {
        "product_id": str(brand.product.id),
        "production_batch_id": str(brand.production_batch.id),
        "quantity": UNITS,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
    }


def _new_product(brand: Furnished) -> dict[str, object]:
    """Return a new product: the name of one of ``brand``, and a SKU that is new everywhere."""
    return {"sku": f"new {uuid4().hex}", "name": brand.product.name, "category": "generic"}


def _new_run(brand: Furnished) -> dict[str, object]:
    return {"external_ref": f"new {uuid4().hex}", "product_id": str(brand.product.id)}


def _new_link(brand: Furnished) -> dict[str, object]:
    return {
        "product_id": str(brand.product.id),
        "link_type": "gs1:faqs",
        "target": f"https://new.example/{uuid4().hex}",
        "title": "Questions",
    }


def _new_grant(brand: Furnished) -> dict[str, object]:
    return {
        "access": "authorities",
        "holder": "Customs",
        "product_id": str(brand.product.id),
        "expires_at": (timezone.now() + timedelta(days=30)).isoformat(),
    }


def _reason(_: Furnished) -> dict[str, object]:
    return {"reason": "asked for by a test"}


def _moved(_: Furnished) -> dict[str, object]:
    contact = {"website": f"https://{uuid4().hex}.example/"}
    return {"passport": {"manufacturer_contact": contact}, **_reason(_)}


def _products_file(brand: Furnished) -> bytes:
    return f"sku,name,category\n{brand.product.sku},renamed,generic\n".encode()


def _runs_file(brand: Furnished) -> bytes:
    return f"external_ref,sku\n{brand.production_batch.external_ref},{brand.product.sku}\n".encode()


def _serials_file(brand: Furnished) -> Form:
    return Form({"product_id": str(brand.product.id)}, f"{uuid4().hex[:20]}\n".encode())


#: Every method that changes something, by URL name.
ASKS: dict[tuple[str, str], Ask] = {
    ("mint-request", "POST"): Ask(Scope.MINTS_WRITE, 202, _mint, crossing=422),
    ("preflight", "POST"): Ask(Scope.MINTS_READ, 200, _mint, crossing=200),
    ("serial-list-list", "POST"): Ask(Scope.MINTS_WRITE, 201, _serials_file, crossing=422),
    ("serial-list", "DELETE"): Ask(Scope.MINTS_WRITE, 200),
    ("mint-job-retry", "POST"): Ask(Scope.MINTS_WRITE, 202, lambda _: {"reason": "tried again"}),
    ("job-cancel", "POST"): Ask(Scope.MINTS_WRITE, 200, _reason),
    ("job-pause", "POST"): Ask(Scope.MINTS_WRITE, 200, _reason),
    ("job-resume", "POST"): Ask(Scope.MINTS_WRITE, 200, _reason),
    ("mint-queue-pause", "POST"): Ask(Scope.MINTS_WRITE, 200, _reason, crossing=200),
    # Nothing is paused, which only those learn who may resume.
    ("mint-queue-resume", "POST"): Ask(Scope.MINTS_WRITE, 409, _reason, crossing=409),
    ("physical-status", "POST"): Ask(
        Scope.MINTS_WRITE, 200, lambda _: {"physical_status": "printed"}
    ),
    ("passport-changes", "POST"): Ask(Scope.MINTS_WRITE, 201, _moved),
    ("unit-transfer", "POST"): Ask(Scope.MINTS_WRITE, 202, lambda _: {"to": SOMEBODY}),
    ("mint-on-chain", "POST"): Ask(Scope.MINTS_WRITE, 200, lambda _: {}),
    ("mint-retry", "POST"): Ask(Scope.MINTS_WRITE, 200),
    ("batch-release", "POST"): Ask(Scope.MINTS_WRITE, 200),
    ("unit-test-link", "POST"): Ask(Scope.MINTS_WRITE, 200),
    ("tag-list", "POST"): Ask(
        Scope.MINTS_WRITE,
        200,
        lambda brand: {"tags": [{"uid": new_uid(), "token": brand.tokens[0]}]},
        crossing=400,
    ),
    ("revoke-units", "POST"): Ask(
        Scope.MINTS_WRITE,
        200,
        lambda brand: {"tokens": brand.tokens[:1], "reason": "stolen"},
        crossing=400,
    ),
    # The one run that a brand may have is under way.
    ("reconciliation-run", "POST"): Ask(
        Scope.MINTS_WRITE, 409, lambda _: {"scope": "all"}, crossing=409
    ),
    ("credential-list", "POST"): Ask(
        Scope.CREDENTIALS_MANAGE,
        201,
        lambda brand: {"name": f"{brand.slug} {uuid4().hex}", "scopes": ["mints:read"]},
        crossing=201,
    ),
    ("credential", "PATCH"): Ask(Scope.CREDENTIALS_MANAGE, 200, lambda _: {"name": uuid4().hex}),
    ("credential-rotate", "POST"): Ask(Scope.CREDENTIALS_MANAGE, 200),
    ("credential-revoke", "POST"): Ask(Scope.CREDENTIALS_MANAGE, 200),
    ("member", "PATCH"): Ask(Scope.MEMBERS_MANAGE, 200, lambda _: {"role": "editor"}),
    ("member", "DELETE"): Ask(Scope.MEMBERS_MANAGE, 204),
    ("invitation-list", "POST"): Ask(
        Scope.MEMBERS_MANAGE,
        201,
        lambda brand: {"email": f"{uuid4().hex}@{brand.slug}.example", "role": "viewer"},
        crossing=201,
    ),
    ("invitation-resend", "POST"): Ask(Scope.MEMBERS_MANAGE, 200),
    ("invitation-revoke", "POST"): Ask(Scope.MEMBERS_MANAGE, 200),
    ("product-list", "POST"): Ask(Scope.PRODUCTS_WRITE, 201, _new_product, crossing=201),
    ("product", "PATCH"): Ask(Scope.PRODUCTS_WRITE, 200, lambda _: {"name": "renamed"}),
    ("product-metadata", "POST"): Ask(Scope.PRODUCTS_WRITE, 202, _reason),
    ("product-import", "POST"): Ask(Scope.PRODUCTS_WRITE, 200, _products_file, crossing=200),
    ("production-batch-list", "POST"): Ask(Scope.PRODUCTS_WRITE, 201, _new_run, crossing=400),
    ("production-batch", "PATCH"): Ask(Scope.PRODUCTS_WRITE, 200, lambda _: {"status": "CLOSED"}),
    ("production-batch-import", "POST"): Ask(Scope.PRODUCTS_WRITE, 200, _runs_file, crossing=200),
    ("link-list", "POST"): Ask(Scope.PRODUCTS_WRITE, 201, _new_link, crossing=400),
    ("link", "PATCH"): Ask(Scope.PRODUCTS_WRITE, 200, lambda _: {"title": "renamed"}),
    ("link", "DELETE"): Ask(Scope.PRODUCTS_WRITE, 204),
    ("pack-list", "POST"): Ask(Scope.PACKS_WRITE, 202),
    ("pack-manifest", "POST"): Ask(Scope.PACKS_READ, 200),
    ("pack-download", "POST"): Ask(Scope.PACKS_READ, 200),
    ("scan-policy", "PUT"): Ask(
        Scope.SCANS_MANAGE,
        200,
        lambda _: {"retention_days": 30, "aggregate_only": ["textile"]},
        crossing=200,
    ),
    ("cost-estimate", "POST"): Ask(
        Scope.MINTS_READ,
        200,
        lambda brand: {"quantity": 5, "product_id": str(brand.product.id)},
        crossing=400,
    ),
    ("chain-budget", "PUT"): Ask(
        Scope.SPENDING_MANAGE, 200, lambda _: {"lamports_per_day": 5_000}, crossing=200
    ),
    # There is no chain here, which only those learn who may have trees made.
    ("tree-list", "POST"): Ask(
        Scope.TREES_MANAGE, 409, lambda _: {"name": uuid4().hex}, crossing=409
    ),
    ("access-grant-list", "POST"): Ask(Scope.GRANTS_MANAGE, 201, _new_grant, crossing=400),
    ("access-grant-revoke", "POST"): Ask(Scope.GRANTS_MANAGE, 200),
}
#: Every URL that is read, by the scope that reading it needs.
READS: dict[Scope, frozenset[str]] = {
    Scope.PRODUCTS_READ: frozenset(
        {
            "product-list",
            "product",
            "product-readiness",
            "product-versions",
            "product-version",
            "product-version-diff",
            "product-identifiers",
            "product-metadata",
            "passport-fields",
            "readiness-report",
            "readiness-report-products",
            "readiness-report-csv",
            "production-batch-list",
            "production-batch",
            "link-list",
            "link",
        }
    ),
    Scope.MINTS_READ: frozenset(
        {
            "mint-job-list",
            "mint-job",
            "mint-kpis",
            "mint-batch-list",
            "mint-batch",
            "mint-unit-list",
            "mint-event-list",
            "mint-queue",
            "revocation-list",
            "revocation",
            "serial-list-list",
            "serial-list",
            "pack-list",
            "scan-kpis",
            "scan-signal-list",
            "scan-policy",
            "unit-timeline",
            "unit-proof",
            "batch-proof",
            "batch-submissions",
            "passport-changes",
            "reconciliation-report-list",
            "reconciliation-report",
            "reconciliation-drift-list",
            "chain-transaction",
            "chain-costs",
            "chain-figures",
            "chain-budget",
            "unit-asset",
            "mint-standing",
            "tree-list",
            "tree",
            "tag-list",
        }
    ),
    Scope.CREDENTIALS_MANAGE: frozenset({"credential-list", "credential"}),
    Scope.MEMBERS_READ: frozenset({"member-list", "member"}),
    Scope.MEMBERS_MANAGE: frozenset({"invitation-list"}),
    Scope.AUDIT_READ: frozenset({"audit-entry-list"}),
    Scope.GRANTS_MANAGE: frozenset({"access-grant-list", "access-grant"}),
}


def scope_of(route: Route, method: str) -> Scope | None:
    """Return the scope a method needs, as these tables say; ``None`` where it is not offered."""
    if method in {"GET", "HEAD"}:
        return next((scope for scope, names in READS.items() if route.name in names), None)
    ask = ASKS.get((route.name, method))
    return ask.needs if ask else None


def path_of(route: Route, brand: Furnished) -> str:
    """Return the route's path, and the query it cannot do without, naming objects of ``brand``."""
    unknown = [name for name in route.arguments if name not in ARGUMENTS]
    assert not unknown, f"{route}: say in tests/platform/asks.py how {unknown} is filled"
    objects = ARGUMENTS | OBJECTS.get(route.name, {})
    path = route.path(**{name: objects[name](brand) for name in route.arguments})
    if route.name in FIXED_QUERY:
        return f"{path}?{FIXED_QUERY[route.name]}"
    query = NEEDS_QUERY.get(route.name)
    return f"{path}?{query}={REFERENCES[query](brand)}" if query else path


def ask_of(route: Route, method: str) -> Ask:
    """Return how the route's method is asked."""
    return ASKS[route.name, method]


def whole(response: Any) -> HttpResponse:
    """Return a file that is sent bit by bit as one answer."""
    if not response.streaming:
        return cast("HttpResponse", response)
    content = b"".join(response.streaming_content)
    return HttpResponse(content, status=response.status_code, headers=dict(response.items()))


@cache
def _handler() -> ClientHandler:
    """Return what all requests are sent through: a client's own makes every middleware anew."""
    return ClientHandler(enforce_csrf_checks=False)


def send(
    method: str, path: str, body: object = None, *, headers: dict[str, str | None] | None = None
) -> HttpResponse:
    """Send one request through the whole of Django; exceptions become answers.

    Each request has a key of its own, unless a header says another one or, by ``None``, none.
    """
    given = {"Idempotency-Key": str(uuid4()), **(headers or {})}
    sent = {name: value for name, value in given.items() if value is not None}
    client = Client(raise_request_exception=False, headers=sent)
    client.handler = _handler()
    if isinstance(body, Form):
        file = SimpleUploadedFile("upload.csv", body.file, "text/csv")
        return client.post(path, {**body.fields, "file": file})
    if method in {"GET", "HEAD"}:
        return whole(client.generic(method, path))
    content_type = "text/csv" if isinstance(body, bytes) else "application/json"
    data = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
    return client.generic(method, path, data, content_type=content_type)
