"""Trees as rows, where no test needs the chain that they stand on."""

import secrets
from typing import Any
from uuid import uuid4

from django.utils import timezone
from solders.pubkey import Pubkey

from minting.models import ChainTree
from minting.states import LeafSchema, TreeStatus
from tests.factories import BrandWorld
from tieback.brands.scoping import brand_scope

NETWORK = "devchain"


def somebody() -> str:
    """Return an address of nobody's."""
    return str(Pubkey(secrets.token_bytes(Pubkey.LENGTH)))


def make_tree(world: BrandWorld, *, depth: int = 5, **fields: Any) -> ChainTree:
    """Leave a tree as a worker does; active unless it is said otherwise."""
    status = fields.get("status", TreeStatus.ACTIVE)
    key = fields.pop("key", None) or somebody()
    values: dict[str, Any] = {
        "name": f"Oak {world.next_number()}",
        "seed": uuid4().hex,
        **dict.fromkeys(("authority_address", "creator", "delegate"), key),
        "address": somebody(),
        "network": NETWORK,
        "schema": LeafSchema.V1,
        "max_depth": depth,
        "max_buffer_size": 8,
        "canopy": 0,
        "max_supply": 1 << depth,
        "status": status,
        "activated_at": timezone.now() if status in {"active", "full", "archived"} else None,
    }
    with brand_scope(world.brand.id):
        return ChainTree.objects.create(brand=world.brand, **{**values, **fields})


def trees_of(world: BrandWorld) -> list[ChainTree]:
    """Return the brand's trees, oldest first."""
    with brand_scope(world.brand.id):
        return list(ChainTree.objects.order_by("created_at", "id"))
