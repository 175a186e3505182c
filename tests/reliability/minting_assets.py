"""The engine's way from units to leaves, without a chain: what one would tell is made here."""

import secrets
import time
from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from minting.chain.assets.grouping import group_waiting
from minting.chain.assets.minting import Told, matched
from minting.chain.bubblegum.events import LeafTold
from minting.chain.bubblegum.leaves import leaf_of
from minting.chain.bubblegum.metadata import Metadata
from minting.chain.bubblegum.programs import Version
from minting.chain.sending import claims, storing
from minting.chain.sending.claims import Flight
from minting.chain.wallets.given import GivenKey, Hidden
from minting.chain.wallets.payer import forget_signers
from minting.models import MintJob
from minting.states import SubmissionKind
from tests.chain.assets.conftest import pin
from tests.chain.trees.rows import make_tree
from tests.factories import BrandWorld
from tests.planes import acting_as


def plant(world: BrandWorld, job: MintJob, settings: Any) -> None:
    """Leave a tree with room for many, a batch's document, and a payer that signs nothing."""
    pin(job)
    settings.SOLANA_PAYER = GivenKey("SOLANA_KEYPAIR", keypair=Hidden(bytes(Keypair())))
    forget_signers()
    with acting_as("worker"):
        make_tree(world, depth=14)


def group() -> None:
    """Hand to the sender what one step does."""
    with acting_as("worker"):
        group_waiting(until=time.monotonic(), stop=lambda: True)


def land() -> None:
    """Store a transaction for everything that is to be sent, and let it have landed."""
    with acting_as("worker"):
        flights = claims.claim(100)
        made = [
            storing.Made(
                flight,
                str(Signature(secrets.token_bytes(64))),
                str(flight.payload.get("memo", "mints")).encode(),
                len(flight.payload.get("mints", ())),
            )
            for flight in flights
        ]
        storing.store(made, payer="1" * 32, last_valid_block_height=150)
        learnt, at = {}, 0
        for flight in flights:
            if flight.kind == SubmissionKind.MINT:
                learnt[flight.id] = _told(flight, first=at)
                at += len(learnt[flight.id])
        landed = [
            storing.Landed(flight.signed.id, 7, 5_000, 0, 0, 900, "", learnt.get(flight.id))
            for flight in flights
            if flight.signed is not None
        ]
        storing.settle(flights, landed)


def _told(flight: Flight, *, first: int) -> list[Told]:
    """Return what the chain would tell of a submission's assets: the next leaves of its tree."""
    version, tree = Version(flight.payload["schema"]), Pubkey.from_string(flight.payload["tree"])
    leaves = [
        leaf_of(
            version,
            tree=tree,
            nonce=first + place,
            owner=tree,
            metadata=Metadata(name=name, uri=flight.payload["uri"]),
        )
        for place, (name, _) in enumerate(flight.payload["mints"])
    ]
    return matched(flight.payload, [LeafTold(leaf, leaf.hash) for leaf in leaves])
