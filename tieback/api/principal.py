"""Who is asking: a person or a credential, and what they may do in the brand they act for."""

from dataclasses import dataclass, field
from uuid import UUID

from tieback.brands.roles import PERMITTED_ROLES, Role, Scope


@dataclass(frozen=True)
class Machine:
    """An authenticated API credential, as Django's ``request.user``."""

    credential_id: str
    brand_id: UUID
    scopes: frozenset[str]
    is_authenticated: bool = field(default=True, init=False)
    is_active: bool = field(default=True, init=False)
    pk: None = field(default=None, init=False)

    def __str__(self) -> str:
        return self.credential_id


@dataclass(frozen=True)
class Principal:
    """The caller inside one brand."""

    brand_id: UUID
    actor: str
    user_id: int | None = None
    credential_id: str | None = None
    role: Role | None = None
    scopes: frozenset[str] = frozenset()

    def may(self, scope: Scope) -> bool:
        """Say whether the caller may do what ``scope`` names."""
        if self.role is not None:
            return self.role in PERMITTED_ROLES[scope]
        return scope.value in self.scopes
