"""Who may do what inside a brand: roles of people, scopes of API credentials. Pure data."""

from django.db.models import TextChoices


class Role(TextChoices):
    """A person's role in one brand."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    APPROVER = "approver", "Approver"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


class Scope(TextChoices):
    """What an API credential may do; each permission of a person has its scope."""

    PRODUCTS_READ = "products:read", "Read products and production batches"
    PRODUCTS_WRITE = "products:write", "Create, change and import products and production batches"
    MINTS_READ = "mints:read", "Read mint jobs, batches, units, events and KPIs"
    MINTS_WRITE = "mints:write", "Submit and retry mint requests"
    PACKS_READ = "packs:read", "List and download packs"
    PACKS_WRITE = "packs:write", "Build packs"
    CREDENTIALS_MANAGE = "credentials:manage", "List, create and revoke API credentials"


_MEMBERS = frozenset(Role)
_MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
_CATALOGUE = _MANAGERS | {Role.EDITOR}

# Reads: any member. Minting, packs and downloads: owner or admin (docs/adr/0005-roles.md).
PERMITTED_ROLES: dict[Scope, frozenset[Role]] = {
    Scope.PRODUCTS_READ: _MEMBERS,
    Scope.PRODUCTS_WRITE: _CATALOGUE,
    Scope.MINTS_READ: _MEMBERS,
    Scope.MINTS_WRITE: _MANAGERS,
    Scope.PACKS_READ: _MANAGERS,
    Scope.PACKS_WRITE: _MANAGERS,
    Scope.CREDENTIALS_MANAGE: _MANAGERS,
}

# What a credential gets when nothing is chosen: everything but making further credentials.
DEFAULT_SCOPES: tuple[str, ...] = tuple(
    scope.value for scope in Scope if scope is not Scope.CREDENTIALS_MANAGE
)
