"""The stages of a run, in their order, and which of them a scope has."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from minting.chain.reconciliation import documents, histories, roots, transactions, trees
from minting.chain.reconciliation.drifts import Looked, Position, Round
from minting.states import DriftKind, RunScope

Look = Callable[[Any, Round, Position], Awaitable[Looked]]


@dataclass(frozen=True)
class Stage:
    """One kind of look.

    ``kinds``: the drifts that it alone finds, and so may tell to be gone. ``at_most``: how many
    subjects a step has; ``steps``: how many steps a scheduled run takes, and ``by_schedule`` how
    many subjects it has then, where that is fewer. ``of_all``: only a run of
    all brands has it. ``asks_chain``: it needs a chain that wallets were used on.
    """

    name: str
    look: Look
    kinds: frozenset[DriftKind]
    scope: RunScope
    at_most: int
    steps: int = 1
    by_schedule: int | None = None
    of_all: bool = False
    asks_chain: bool = True


STAGES = (
    Stage(
        *("documents", documents.look, documents.KINDS, RunScope.DOCUMENTS, 20),
        by_schedule=5,
        asks_chain=False,
    ),
    Stage("roots", roots.look, roots.KINDS, RunScope.ANCHORS, 1_000),
    Stage("transactions", transactions.look, transactions.KINDS, RunScope.ANCHORS, 100),
    Stage(
        *("histories", histories.look, histories.KINDS, RunScope.ANCHORS, histories.PAGE),
        steps=10,
        of_all=True,
    ),
    Stage("trees", trees.look, trees.KINDS, RunScope.TREES, trees.PAGE, steps=20),
)
_BY_NAME = {stage.name: stage for stage in STAGES}


def stages_of(scope: str, *, is_of_brand: bool) -> tuple[Stage, ...]:
    """Return the stages that a run goes through."""
    return tuple(
        stage
        for stage in STAGES
        if scope in (RunScope.ALL, stage.scope) and not (is_of_brand and stage.of_all)
    )


def stage_named(name: str) -> Stage:
    """Return a stage. Raises ``KeyError``."""
    return _BY_NAME[name]
