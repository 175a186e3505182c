"""Seeded bugs in what is written to a chain: anchors (I9) and assets (I14)."""

from typing import Any

from minting.chain.assets import grouping, wishing
from minting.chain.assets import minting as asset_minting
from minting.chain.sending import storing
from minting.proofs import building
from minting.states import ChainMode
from tests.reliability import scenarios
from tests.reliability.engine import Engine
from tests.reliability.mutating import Mutant, both, replaced


def roots_of_assets_are_not_asked_for(engine: Engine) -> None:
    """A batch whose units are written to the chain one by one is not anchored besides."""
    real = building.anchoring.queue_for

    def queue_for(proof: Any, head: Any) -> None:
        if proof.batch.chain_mode != ChainMode.CNFT:
            real(proof, head)

    engine.patch.setattr(building.anchoring, "queue_for", queue_for)


def room_is_kept(engine: Engine) -> None:
    """What has landed is not counted in its tree."""
    assert hasattr(asset_minting.choosing, "landed")
    engine.patch.setattr(asset_minting.choosing, "landed", lambda *_: None)


CHAIN_MUTANTS = (
    Mutant(
        "the roots of a batch with assets are for nobody to write",
        "I9",
        roots_of_assets_are_not_asked_for,
        scenarios.anchored,
    ),
    Mutant(
        "an attempt is counted that was never signed",
        "I9",
        replaced(storing, "_STORE", "attempts = submission.attempts + 1", "attempts = 2"),
        scenarios.anchored,
    ),
    Mutant(
        "what is completed has no transaction in a finalized block",
        "I9",
        both(
            replaced(storing, "_LANDED", "then 'finalized' else", "then 'expired' else"),
            replaced(storing, "_LANDED", "sent.status = 'finalized', sent", "true, sent"),
        ),
        scenarios.anchored,
    ),
    Mutant(
        "the first unit of a cycle gets no asset",
        "I14",
        replaced(wishing, "_OF_CYCLE", "ordinal between", "ordinal - 1 between"),
        scenarios.minted_as_assets,
    ),
    Mutant(
        "an asset that is in a submission waits to be put into one",
        "I14",
        replaced(grouping, "_PLACE", "set status = 'processing', submission", "set submission"),
        scenarios.minted_as_assets,
    ),
    Mutant(
        "assets that have landed keep the room that was taken for them",
        "I14",
        room_is_kept,
        scenarios.minted_as_assets,
    ),
    Mutant(
        "a submission is completed and its assets are forgotten",
        "I14",
        replaced(asset_minting, "_COMPLETED", "asset.status = 'processing'", "asset.place > 0"),
        scenarios.minted_as_assets,
    ),
)
