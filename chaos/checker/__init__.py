"""The invariants of database and object store, in plain SQL: nothing of tieback is imported.

It judges the fault injection, the console's "verify job" and the command ``verify_jobs``, on one
job, one brand or everything, at rest or at a snapshot while work goes on. That it imports no app
keeps it from believing what it judges.
"""

from chaos.checker.evidence import Evidence, snapshot
from chaos.checker.verdicts import (
    CHECKS,
    EXPECTED_AT_REST,
    NOT_APPLICABLE,
    SNAPSHOT_CHECKS,
    NothingSeen,
    Status,
    Verdict,
    says,
    verify,
)

__all__ = (
    "CHECKS",
    "EXPECTED_AT_REST",
    "NOT_APPLICABLE",
    "SNAPSHOT_CHECKS",
    "Evidence",
    "NothingSeen",
    "Status",
    "Verdict",
    "says",
    "snapshot",
    "verify",
)
