"""Everybody who may call the API: a person in each role, and machines."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.platform.furnishing import Furnished
from tieback.api import tokens
from tieback.brands.roles import PERMITTED_ROLES, Role, Scope


@dataclass(frozen=True)
class Caller:
    """Who calls, the headers that prove it, and what they may do in their brand."""

    name: str
    headers: dict[str, str]
    may: Callable[[Scope], bool]


def callers_of(brand: Furnished) -> list[Caller]:
    """Return a person in each role, and credentials with every scope and with none."""
    people = [
        Caller(
            role.value,
            {"Authorization": f"Bearer {tokens.issue(person)['access']}"},
            lambda scope, role=role: role in PERMITTED_ROLES[scope],
        )
        for role, person in brand.world.people.items()
    ]
    assert len(people) == len(Role)
    return [
        *people,
        Caller("every scope", {"X-Api-Key": brand.all_scopes.header}, lambda _: True),
        Caller("no scope", {"X-Api-Key": brand.no_scopes.header}, lambda _: False),
    ]
