"""Every scenario, in the order in which they run."""

from chaos.scenarios import (
    assets,
    beats,
    broker,
    chain,
    clocks,
    database,
    deploys,
    disks,
    errors,
    exports,
    kills,
    lifecycle,
    pauses,
    scans,
)
from chaos.scenarios.plan import DEFAULT, FULL, SMALL, Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *kills.SCENARIOS,
    *pauses.SCENARIOS,
    *database.SCENARIOS,
    *broker.SCENARIOS,
    *errors.SCENARIOS,
    *deploys.SCENARIOS,
    *exports.SCENARIOS,
    *chain.SCENARIOS,
    *assets.SCENARIOS,
    *beats.SCENARIOS,
    *lifecycle.SCENARIOS,
    *clocks.SCENARIOS,
    *disks.SCENARIOS,
    *scans.SCENARIOS,
)

__all__ = ("DEFAULT", "FULL", "SCENARIOS", "SMALL", "Scenario")
