"""Comparing a written answer with a real one: the same but for what is new every time.

Ids, tokens, cursors and JWT stand for real ones: whichever text stands for an object stands for it
throughout. Moments and hashes need only look like one. ``…`` stands for any text, and as the last
entry of a list for any further entries. Text with ``…`` in it stands for an object, too; ``…``
alone for none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ANYTHING = "…"
#: What stands for one object throughout the document.
NAMES = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"mk_live_[A-Za-z0-9]{8,32}",
    r"ti_live_[\w-]{43}",
    r"\bWy[\w-]+\.[\w-]+",
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+",
    r"\b[2-9A-HJ-NP-Z]{20}\b",
    # signatures and addresses of a chain
    r"\b[1-9A-HJ-NP-Za-km-z]{86,88}\b",
    r"\b[1-9A-HJ-NP-Za-km-z]{43,44}\b",
    r"\b(?:user|system):\w+",
)
#: What only has to look alike.
LOOKS = (
    r"\bb[a-z2-7]{58}\b",
    r"(?<=/m/)[\w-]{8,43}",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)",
    r"\b(?:[0-9a-f]{32}){1,4}\b",
)
_SPECIAL = re.compile("|".join(f"({one})" for one in (*NAMES, *LOOKS, ANYTHING)))
#: Numbers that are new every time, and names that stand for nothing further.
NEW_EVERY_TIME = frozenset(
    {
        *("units_per_second", "byte_size", "user", "user_id", "slot", "compute_units"),
        "median_seconds_to_finality",
    }
)
_NEVER_AGAIN = frozenset({"request_id"})


@dataclass
class Matcher:
    """What the document's texts stand for, so far."""

    stands_for: dict[str, str] = field(default_factory=dict)

    def real(self, text: str) -> str:
        """Return a written request's text with the real names in it."""
        for written in sorted(self.stands_for, key=len, reverse=True):
            text = text.replace(written, self.stands_for[written])
        return text

    def written(self, text: str) -> str:
        """Return real text with the document's names in it."""
        for written, real in sorted(self.stands_for.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(real, written)
        return text

    def differences(self, written: Any, real: Any, path: str = "") -> Iterator[str]:
        """Yield what differs, and learn what the written names stand for."""
        name = path.rpartition(".")[2]
        if isinstance(written, dict) and isinstance(real, dict):
            yield from self._of_objects(written, real, path)
        elif isinstance(written, list) and isinstance(real, list):
            yield from self._of_lists(written, real, path)
        elif isinstance(written, str) and isinstance(real, str):
            if not self._alike(written, real, bind=name not in _NEVER_AGAIN):
                yield f"{path}: {written!r} is {real!r}"
        elif type(written) is not type(real) or not (written == real or _is_new(name, written)):
            yield f"{path}: {written!r} is {real!r}"

    def _of_objects(self, written: Any, real: Any, path: str) -> Iterator[str]:
        for name in written.keys() | real.keys():
            if name not in real:
                yield f"{path}.{name} is not answered"
            elif name not in written:
                yield f"{path}.{name} is not written"
        for name in written:
            if name in real:
                yield from self.differences(written[name], real[name], f"{path}.{name}")

    def _of_lists(self, written: Any, real: Any, path: str) -> Iterator[str]:
        shortened = bool(written) and written[-1] == ANYTHING
        listed = written[:-1] if shortened else written
        if len(real) < len(listed) or (not shortened and len(real) > len(listed)):
            yield f"{path} has {len(real)} entries"
        for number, (one, other) in enumerate(zip(listed, real, strict=False)):
            yield from self.differences(one, other, f"{path}[{number}]")

    def _alike(self, written: str, real: str, *, bind: bool) -> bool:
        pattern, names = _pattern(written)
        found = re.fullmatch(pattern, real, re.DOTALL)
        if found is None:
            return False
        if written == ANYTHING:
            names, values = [], []
        elif ANYTHING in written:
            names, values = [written], [real]
        else:
            values = list(found.groups())
        if not bind:
            return True
        known = zip(names, values, strict=True)
        return all(self.stands_for.setdefault(name, value) == value for name, value in known)


def _is_new(name: str, value: Any) -> bool:
    return not isinstance(value, bool) and (
        name in NEW_EVERY_TIME or (name == "id" and isinstance(value, int))
    )


def _pattern(written: str) -> tuple[str, list[str]]:
    """Return the pattern a real text must match, and the written names, one for each group."""
    pattern, names, at = "", [], 0
    for special in _SPECIAL.finditer(written):
        pattern += re.escape(written[at : special.start()])
        at = special.end()
        kind = (special.lastindex or 1) - 1
        if kind < len(NAMES):
            pattern += f"({NAMES[kind]})"
            names.append(special[0])
        else:
            pattern += LOOKS[kind - len(NAMES)] if special[0] != ANYTHING else ".+"
    return pattern + re.escape(written[at:]), names
