"""Calling the API as a person of a brand, and reading what the audit trail tells of it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection
from rest_framework.test import APIClient

from tests.factories import BrandWorld
from tieback.api import tokens
from tieback.brands.models import AuditEntry, Membership, User
from tieback.brands.roles import Role
from tieback.brands.scoping import brand_scope


def client_for(person: User) -> APIClient:
    """Return a client that is signed in by token."""
    client = APIClient(headers={"Authorization": f"Bearer {tokens.issue(person)['access']}"})
    client.default_format = "json"
    return client


def acting(world: BrandWorld, role: Role) -> APIClient:
    """Return a client of the brand's person in this role."""
    return client_for(world.people[role])


def member_of(world: BrandWorld, role: Role) -> Membership:
    with brand_scope(world.brand.id):
        return Membership.objects.get(user=world.people[role])


def join(world: BrandWorld, role: Role) -> User:
    """Add one more person to the brand."""
    with brand_scope(world.brand.id):
        person = User.objects.create_user(f"more-{world.next_number()}@{world.brand.slug}.example")
        Membership.objects.create(brand=world.brand, user=person, role=role)
    return person


def roles_of(world: BrandWorld) -> dict[str, str]:
    """Return every member's role by address."""
    with brand_scope(world.brand.id):
        return dict(Membership.objects.values_list("user__email", "role"))


def acts(world: BrandWorld) -> list[AuditEntry]:
    with brand_scope(world.brand.id):
        return list(AuditEntry.objects.order_by("id"))


def outcome(response: Any) -> tuple[int, str]:
    """Return an error's status and code."""
    return response.status_code, response.json()["error"]["code"]


def at_once(calls: Iterable[Callable[[], Any]]) -> list[int]:
    """Make all calls at the same moment, each on a connection of its own; return the statuses."""
    calls = list(calls)
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> int:
        start.wait()
        try:
            return call().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
