"""Grants of access: issued and revoked by a brand's managers, each audited in its transaction.

The secret is shown once and kept as a hash, as those of API credentials are.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from minting.disclosure import Access
from minting.models import MintBatch, Product
from resolver.models import AccessGrant
from tieback.brands.audit import Actor, record
from tieback.brands.credentials import digest_of
from tieback.errors import FieldError, NotFound, ValidationFailed

#: What every secret begins with, so that a scanner finds one that leaked.
PREFIX = "ag_live_"

UNKNOWN_PRODUCT = FieldError("product_id", "PRODUCT_NOT_FOUND", "The brand has no such product.")
UNKNOWN_BATCH = FieldError("mint_batch_id", "NOT_FOUND", "The brand has no such batch.")


@dataclass(frozen=True)
class Wanted:
    """What a grant opens, to whom and until when; for the whole brand where nothing is named."""

    access: Access
    holder: str
    expires_at: datetime
    product: UUID | None = None
    batch: UUID | None = None


def issue_grant(granter: Actor, wanted: Wanted, *, request: Any = None) -> tuple[AccessGrant, str]:
    """Make a grant in the brand in scope; return it with its secret, which is kept nowhere.

    Raises ``ValidationFailed`` for a product or a batch that the brand does not have.
    """
    if wanted.product and not Product.objects.filter(id=wanted.product).exists():
        raise ValidationFailed(fields=(UNKNOWN_PRODUCT,))
    if wanted.batch and not MintBatch.objects.filter(id=wanted.batch).exists():
        raise ValidationFailed(fields=(UNKNOWN_BATCH,))
    secret = PREFIX + secrets.token_urlsafe(32)
    grant = AccessGrant.objects.create(
        brand_id=granter.brand_id,
        access=wanted.access,
        holder=wanted.holder,
        product_id=wanted.product,
        batch_id=wanted.batch,
        secret_sha256=digest_of(secret),
        granted_by=granter.actor,
        expires_at=wanted.expires_at,
    )
    after = {
        "access": grant.access,
        "holder": grant.holder,
        "product": str(wanted.product) if wanted.product else None,
        "batch": str(wanted.batch) if wanted.batch else None,
        "expires_at": grant.expires_at.isoformat(),
    }
    record(granter, "access_grant.issued", "access_grant", grant.id, after=after, request=request)
    return grant, secret


def revoke_grant(granter: Actor, grant_id: UUID, *, request: Any = None) -> AccessGrant:
    """End a grant for good; doing it twice changes nothing. Raises ``NotFound``."""
    rows = AccessGrant.objects.filter(id=grant_id)
    revoked = rows.filter(revoked_at=None).update(revoked_at=Now())
    grant = rows.first()
    if grant is None:
        raise NotFound
    if revoked:
        record(granter, "access_grant.revoked", "access_grant", grant.id, request=request)
    return grant
