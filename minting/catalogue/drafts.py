"""A CSV row on its way into the catalogue: what it says, and the row it makes or changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model

from minting.catalogue.changes import Change
from minting.catalogue.report import Outcome, RowOutcome
from tieback.errors import FieldError

Row = TypeVar("Row", bound=Model)


@dataclass
class Draft(Generic[Row]):
    """One row; with faults it writes nothing, whatever else is known of it."""

    line: int
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[FieldError] = field(default_factory=list)
    new: Row | None = None
    change: Change[Row] | None = None

    def outcome(self) -> RowOutcome:
        """Return what is to be told of the row."""
        outcome = Outcome.UNCHANGED
        if self.faults:
            outcome = Outcome.ERROR
        elif self.new is not None:
            outcome = Outcome.INSERTED
        elif self.change:
            outcome = Outcome.UPDATED
        return RowOutcome(self.line, self.key, outcome, tuple(self.faults))


class Repetitions:
    """Finds what an earlier row of the same file has already named."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], int] = {}

    def faults(self, line: int, **named: str | None) -> Iterator[FieldError]:
        """Note what a row names, by column, and yield a fault for each repetition."""
        for column, value in named.items():
            first = line if value is None else self._lines.setdefault((column, value), line)
            if first != line:
                yield FieldError(column, "DUPLICATE_IN_FILE", f"Line {first} has this too.")


def to_insert(drafts: Iterable[Draft[Row]]) -> list[Row]:
    """Return the new rows of drafts without faults."""
    return [d.new for d in drafts if d.new is not None and not d.faults]


def to_update(drafts: Iterable[Draft[Row]]) -> list[Change[Row]]:
    """Return the changes of drafts without faults."""
    return [d.change for d in drafts if d.change and not d.faults]
