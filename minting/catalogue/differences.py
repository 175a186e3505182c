"""Tells two versions of a passport apart, field by field. Pure: JSON values in, differences out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What happened to a field between two versions."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; ``path`` is a JSON Pointer (RFC 6901) into the passport data."""

    path: str
    kind: Kind
    before: Any = None
    after: Any = None

    @property
    def field(self) -> str:
        """The passport field the path begins with."""
        return self.path.split("/")[1].replace("~1", "/").replace("~0", "~")


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield what differs, as deep inside as both sides are alike in shape, by order of path."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            yield from _of_part(before, after, name, f"{path}/{_escaped(name)}")
    elif isinstance(before, list) and isinstance(after, list):
        known = dict(enumerate(before)), dict(enumerate(after))
        for index in range(max(len(before), len(after))):
            yield from _of_part(*known, index, f"{path}/{index}")
    elif not _same(before, after):
        yield Difference(path, Kind.CHANGED, before, after)


def _of_part(
    before: Mapping[Any, Any], after: Mapping[Any, Any], key: Any, path: str
) -> Iterator[Difference]:
    if key not in after:
        yield Difference(path, Kind.REMOVED, before=before[key])
    elif key not in before:
        yield Difference(path, Kind.ADDED, after=after[key])
    else:
        yield from differences(before[key], after[key], path)


def _same(before: Any, after: Any) -> bool:
    """Compare as JSON does: true is not 1, though 1 is 1.0."""
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
