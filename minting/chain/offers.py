"""What a brand is told that a request would cost: estimates from what is known of its chain now.

Reads rows and writes none; the price is the one that a worker was last told. Runs in the scope of
the brand.
"""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db.models import F, Sum

from minting.chain.assets.naming import NAME_CHARACTERS
from minting.chain.estimates import Estimate, Terms, estimate
from minting.chain.kept_prices import KeptPrice, last_price
from minting.chain.modes import available_modes
from minting.chain.trees.asking import usual
from minting.metadata.addresses import SHORTEST_ID, short_uri
from minting.metadata.giving import document_for, uri_of
from minting.models import ChainTree, Product
from minting.states import ASSET_MODES, ChainMode, LeafSchema, TreeStatus
from tieback.brands.models import Brand


@dataclass(frozen=True)
class Room:
    """The brand's trees: leaves that they have left, and what a new one would have and cost.

    ``mints_at_once``: how many fit one transaction.
    """

    left: int
    mints_at_once: int
    new_tree_leaves: int
    new_tree_rent: int

    def has_room_for(self, quantity: int) -> bool:
        """Tell whether no new tree is needed."""
        return quantity <= self.left

    def share_of(self, quantity: int) -> int:
        """Return the part of a new tree's rent that so many leaves of it would bear."""
        return -(-self.new_tree_rent * quantity // self.new_tree_leaves)


@dataclass(frozen=True)
class Offer:
    """Estimates by mode. ``price`` is None where no worker has asked the chain yet.

    ``room`` is None where none of the modes makes assets.
    """

    network: str
    schema: int
    price: KeptPrice | None
    room: Room | None
    estimates: tuple[Estimate, ...]


def offer(
    brand_id: UUID,
    *,
    quantity: int,
    mode: ChainMode | None,
    schema: int = LeafSchema.V1,
    product: Product | None = None,
) -> Offer:
    """Return what so many units would cost, by one mode or by all that may be asked for."""
    network = settings.SOLANA_NETWORK or ""
    price = last_price(network) if network else None
    modes = [mode] if mode else [ChainMode(one) for one in available_modes()]
    room = None
    if any(one in ASSET_MODES for one in modes):
        room = _room(network, schema, len(_uri(brand_id, product)))
    terms = Terms(
        quantity=quantity,
        cycle=int(settings.TIEBACK_CYCLE_SIZE),
        micro_lamports=price.price.micro_lamports if price else 0,
        schema=schema,
        mints_at_once=room.mints_at_once if room else 1,
        tree_leaves=room.new_tree_leaves if room else 1,
        tree_rent=room.new_tree_rent if room else 0,
        room=room.left if room else 0,
    )
    return Offer(network, schema, price, room, tuple(estimate(one, terms) for one in modes))


def _room(network: str, schema: int, uri_characters: int) -> Room:
    active = ChainTree.objects.filter(network=network, schema=schema, status=TreeStatus.ACTIVE)
    left = active.aggregate(left=Sum(F("max_supply") - F("current_supply") - F("reserved")))["left"]
    shape, has_collection = usual(), active.exclude(core_collection="").exists()
    return Room(
        left=left or 0,
        mints_at_once=mints_at_once(
            schema, shape.depth, uri_characters, has_collection=has_collection
        ),
        new_tree_leaves=shape.leaves,
        new_tree_rent=shape.rent,
    )


def _uri(brand_id: UUID, product: Product | None) -> str:
    """Return the address that the assets would name, or one as long."""
    host = Brand.objects.values_list("resolver_host", flat=True).get(pk=brand_id)
    base = f"{settings.TIEBACK_RESOLVER_SCHEME}://{host}"
    if product is not None:
        versions = product.versions.order_by("-number").values_list("id", flat=True)
        document = document_for(versions[0]) if versions else None
        if document is not None:
            return uri_of(document, base)
    return short_uri(base, "0" * SHORTEST_ID)


@lru_cache(maxsize=64)
def mints_at_once(
    schema: int, depth: int, uri_characters: int, *, has_collection: bool = False
) -> int:
    """Return how many mints for the brand's own wallet fit one transaction."""
    # Libraries of the chain, which no other answer of this plane needs.
    from solders.pubkey import Pubkey

    from minting.chain.bubblegum.instructions import Mint, mint_v1, mint_v2
    from minting.chain.bubblegum.metadata import Metadata
    from minting.chain.bubblegum.packing import most_at_once, packed
    from minting.chain.bubblegum.programs import Version

    version, payer = Version(schema), Pubkey.new_unique()
    concerned = Mint(tree=Pubkey.new_unique(), payer=payer, delegate=payer, owner=payer)
    said = Metadata(
        name="#" * NAME_CHARACTERS,
        uri="u" * uri_characters,
        collection=Pubkey.new_unique() if has_collection else None,
    )
    build = mint_v1 if version is Version.V1 else mint_v2
    mints = [build(concerned, said)] * most_at_once(version, depth=depth)
    return packed(mints, payer, version=version, depth=depth)[0]
