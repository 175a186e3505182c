"""What an import did, row by row: the same report for a dry run, which did nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tieback.brands.audit import Act
from tieback.errors import FieldError

# A file that is wrong throughout is told by its first rows; the counts are always complete.
MOST_ERRORS_LISTED = 1_000

_LONGEST_KEY_SHOWN = 64


class Outcome(StrEnum):
    """What became of a row."""

    INSERTED = "inserted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ERROR = "error"


@dataclass
class RowOutcome:
    """One row: its line in the file, what it names, what became of it, and why not."""

    line: int
    key: str
    outcome: Outcome
    faults: tuple[FieldError, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """Every row's outcome, in the order of the file."""

    rows: list[RowOutcome]
    dry_run: bool

    def counts(self) -> dict[str, int]:
        """Return how many rows met each outcome."""
        met = Counter(row.outcome for row in self.rows)
        return {
            "total": len(self.rows),
            "inserted": met[Outcome.INSERTED],
            "updated": met[Outcome.UPDATED],
            "unchanged": met[Outcome.UNCHANGED],
            "errors": met[Outcome.ERROR],
        }

    def as_dict(self, key_name: str) -> dict[str, Any]:
        """Return the answer; rows beyond the first errors are counted but not listed."""
        counts = self.counts()
        return {
            "dry_run": self.dry_run,
            **counts,
            "errors_omitted": max(0, counts["errors"] - MOST_ERRORS_LISTED),
            "rows": [_row(row, key_name) for row in _listed(self.rows)],
        }


def file_imported(what: str, content: bytes, report: ImportReport) -> Act:
    """Return the audit entry of a file as a whole: its SHA-256 and the counts."""
    digest = hashlib.sha256(content).hexdigest()
    return Act(f"{what}.imported", "file", digest, after=report.counts())


def _listed(rows: Iterable[RowOutcome]) -> Iterable[RowOutcome]:
    errors = 0
    for row in rows:
        errors += row.outcome is Outcome.ERROR
        if row.outcome is not Outcome.ERROR or errors <= MOST_ERRORS_LISTED:
            yield row


def _row(row: RowOutcome, key_name: str) -> dict[str, Any]:
    return {
        "line": row.line,
        key_name: row.key[:_LONGEST_KEY_SHOWN],
        "outcome": row.outcome.value,
        "errors": [fault.as_dict() for fault in row.faults],
    }
