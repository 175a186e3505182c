"""Every invariant, and one verdict on each: ok, broken with rows, or not applicable with why."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from chaos.checker.assets import assets_are_leaves
from chaos.checker.brands import children_have_their_parents_brand
from chaos.checker.chain import chain_holds_each_once
from chaos.checker.counters import acknowledged_is_durable, counters_equal_rows
from chaos.checker.evidence import Check, Evidence, check, snapshot
from chaos.checker.exports import exports_equal_the_database
from chaos.checker.history import (
    errors_are_counted_right,
    fences_rise,
    steps_are_legal,
    story_is_told,
)
from chaos.checker.proofs import proofs_are_of_the_units
from chaos.checker.units import cycles_are_whole, no_duplicates, no_gaps

# They hold at any moment, and so at any snapshot while work goes on.
CHECKS: dict[str, Check] = {
    "I1": no_duplicates,
    "I2": no_gaps,
    "I3": cycles_are_whole,
    "I4": counters_equal_rows,
    "I5": acknowledged_is_durable,
    "I6": steps_are_legal,
    "I7": fences_rise,
    "I8": story_is_told,
    "I9": chain_holds_each_once,
    "I10": exports_equal_the_database,
    "I11": children_have_their_parents_brand,
    "I12": errors_are_counted_right,
    "I13": proofs_are_of_the_units,
    "I14": assets_are_leaves,
}
# Cheap enough to be looked at again and again while a run goes on.
SNAPSHOT_CHECKS: dict[str, Check] = {
    name: CHECKS[name] for name in ("I3", "I4", "I6", "I7", "I8", "I12")
}
# Of what this version does not do; nothing now.
NOT_APPLICABLE: dict[str, str] = {}


class Status(Enum):
    """What can be said of an invariant."""

    OK = "ok"
    BROKEN = "broken"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Verdict:
    """An invariant, what it says, and what was found."""

    invariant: str
    says: str
    status: Status
    problems: tuple[str, ...] = ()


class NothingSeen(Exception):
    """No job is visible, so that every check would pass without having looked at anything."""


def says(invariant: str) -> str:
    """Return the sentence of an invariant."""
    if invariant in NOT_APPLICABLE:
        return NOT_APPLICABLE[invariant].partition(": ")[2]
    return (CHECKS[invariant].__doc__ or "").partition(": ")[2]


def verify(
    evidence: Evidence, *, tell: Callable[[Verdict], None] = lambda verdict: None
) -> list[Verdict]:
    """Check every invariant in one snapshot, in the order of their numbers.

    Raises ``NothingSeen`` where the scope, or what this role may read, holds no job.
    """
    verdicts = []
    with snapshot(evidence.database):
        if not evidence.rows("select from minting_mintjob as job where {jobs} limit 1"):
            raise NothingSeen("There is no such job, or this role may not read it.")
        for invariant in sorted({*CHECKS, *NOT_APPLICABLE}, key=lambda name: int(name[1:])):
            verdict = _verdict(invariant, evidence)
            verdicts.append(verdict)
            tell(verdict)
    return verdicts


def _verdict(invariant: str, evidence: Evidence) -> Verdict:
    if invariant in NOT_APPLICABLE:
        return Verdict(invariant, says(invariant), Status.NOT_APPLICABLE)
    problems = tuple(CHECKS[invariant](evidence))
    status = Status.BROKEN if problems else Status.OK
    return Verdict(invariant, says(invariant), status, problems)


@check
def everything_completed(evidence: Evidence) -> list[str]:
    """I6: at rest every job is COMPLETED and nothing is held."""
    return evidence.problems(
        "not completed (job, status, owner, last error)",
        "select job.id, job.status, job.owner, job.last_error from minting_mintjob as job"
        " where {jobs} and (job.status <> 'COMPLETED' or job.owner <> '')",
    )


@check
def everything_exported(evidence: Evidence) -> list[str]:
    """I10: at rest every batch has a completed build."""
    return evidence.problems(
        "not exported (job, build)",
        "select job.id, build.status from minting_mintjob as job"
        "  left join exports_packbuild as build on build.batch_id = job.batch_id"
        " where {jobs} and build.status is distinct from 'completed'",
    )


@check
def everything_anchored(evidence: Evidence) -> list[str]:
    """I9: at rest every submission is completed."""
    return evidence.problems(
        "not on the chain (submission, status, error)",
        "select asked.id, asked.status, asked.last_error from minting_chainsubmission as asked"
        "  join minting_mintjob as job on job.batch_id = asked.batch_id and {jobs}"
        " where asked.status <> 'completed'",
    )


@check
def everything_signed(evidence: Evidence) -> list[str]:
    """I13: at rest every completed job's batch is signed."""
    return evidence.problems(
        "not signed (job, proof, error)",
        "select job.id, proof.status, proof.last_error from minting_mintjob as job"
        "  left join minting_batchproof as proof on proof.batch_id = job.batch_id"
        " where {jobs} and job.status = 'COMPLETED' and proof.status is distinct from 'signed'",
    )


@check
def everything_minted(evidence: Evidence) -> list[str]:
    """I14: at rest every asset is completed, but those of units that were revoked first."""
    return evidence.problems(
        "no asset yet (asset, status, error)",
        "select asset.id, asset.status, asset.error_message from minting_unitasset as asset"
        "  join minting_mintjob as job on job.batch_id = asset.batch_id and {jobs}"
        "  join minting_mintunit as unit on unit.id = asset.unit_id"
        " where asset.status <> 'completed' and (asset.status <> 'failed' or unit.status < 2)",
    )


@check
def no_error_is_spent(evidence: Evidence) -> list[str]:
    """I12: kills, pauses and restarts were nobody's error."""
    return (
        evidence.problems(
            "a job spent an error (job, status, errors, last error)",
            "select job.id, job.status, job.consecutive_errors, job.last_error"
            "  from minting_mintjob as job where {jobs}"
            "   and (job.consecutive_errors > 0 or job.last_error <> '')",
        )
        + evidence.problems(
            "a build spent an error (build, status, errors, last error)",
            "select build.id, build.status, build.consecutive_errors, build.last_error"
            "  from exports_packbuild as build"
            "  join minting_mintjob as job on job.batch_id = build.batch_id and {jobs}"
            " where build.consecutive_errors > 0 or build.last_error <> ''",
        )
        + evidence.problems(
            "an error was told (job, event)",
            "select job.id, event.type from minting_mintevent as event"
            "  join minting_mintjob as job on job.batch_id = event.batch_id and {jobs}"
            " where event.type in ('job.error', 'job.failed', 'packs.failed')",
        )
    )


# What may be asked beyond the invariants of a run in which only faults were injected that are
# nobody's error, once it has come to rest.
EXPECTED_AT_REST: dict[str, Check] = {
    "I6": everything_completed,
    "I9": everything_anchored,
    "I10": everything_exported,
    "I12": no_error_is_spent,
    "I13": everything_signed,
    "I14": everything_minted,
}
