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

    PRODUCTS_READ = "products:read", "Read products, production batches and links"
    PRODUCTS_WRITE = (
        "products:write",
        "Create, change and import products and production batches; links",
    )
    MINTS_READ = "mints:read", "Read mint jobs, batches, units, events and KPIs"
    MINTS_WRITE = "mints:write", "Submit and retry mint requests"
    SCANS_MANAGE = "scans:manage", "Choose what is kept of scans"
    TREES_MANAGE = "trees:manage", "Have trees of compressed NFTs made, which costs their rent"
    PACKS_READ = "packs:read", "List and download packs"
    PACKS_WRITE = "packs:write", "Build packs"
    CREDENTIALS_MANAGE = "credentials:manage", "List, create, change, rotate and revoke credentials"
    MEMBERS_READ = "members:read", "List members"
    MEMBERS_MANAGE = "members:manage", "Invite people, change roles and remove members"
    AUDIT_READ = "audit:read", "Read the audit trail"
    GRANTS_MANAGE = "grants:manage", "List, issue and revoke grants of access to passports"
    SPENDING_MANAGE = "spending:manage", "Choose how much may be spent on chains in a day"


_MEMBERS = frozenset(Role)
_MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
_CATALOGUE = _MANAGERS | {Role.EDITOR}

# Reads: any member. Minting, trees, packs, downloads, credentials, people and the audit trail:
# owner or admin (docs/adr/0005-roles.md).
PERMITTED_ROLES: dict[Scope, frozenset[Role]] = {
    Scope.PRODUCTS_READ: _MEMBERS,
    Scope.PRODUCTS_WRITE: _CATALOGUE,
    Scope.MINTS_READ: _MEMBERS,
    Scope.MINTS_WRITE: _MANAGERS,
    Scope.SCANS_MANAGE: _MANAGERS,
    Scope.TREES_MANAGE: _MANAGERS,
    Scope.PACKS_READ: _MANAGERS,
    Scope.PACKS_WRITE: _MANAGERS,
    Scope.CREDENTIALS_MANAGE: _MANAGERS,
    Scope.MEMBERS_READ: _MEMBERS,
    Scope.MEMBERS_MANAGE: _MANAGERS,
    Scope.AUDIT_READ: _MANAGERS,
    Scope.GRANTS_MANAGE: _MANAGERS,
    Scope.SPENDING_MANAGE: frozenset({Role.OWNER}),
}

#: Who stands above whom; equals may manage each other.
RANK: dict[Role, int] = {
    Role.OWNER: 3,
    Role.ADMIN: 2,
    Role.APPROVER: 1,
    Role.EDITOR: 1,
    Role.VIEWER: 0,
}

# What a credential gets when nothing is chosen: what minting takes. A leaked key then makes no
# other keys, invites nobody, and tells neither who works here nor what they did.
DEFAULT_SCOPES: tuple[str, ...] = (
    Scope.PRODUCTS_READ.value,
    Scope.PRODUCTS_WRITE.value,
    Scope.MINTS_READ.value,
    Scope.MINTS_WRITE.value,
    Scope.PACKS_READ.value,
    Scope.PACKS_WRITE.value,
)
