"""What a seeded bug is, and how a guard is taken out of the real code.

What is replaced must be found first, so that a text that has changed fails instead of proving
nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from minting import cycles
from tests.reliability.engine import Engine

Mutate = Callable[[Engine], None]


@dataclass(frozen=True)
class Mutant:
    """A bug, the run in which it does harm, and the invariant that the harm breaks."""

    name: str
    breaks: str
    mutate: Mutate
    run: Callable[[Engine], None]
    drops: tuple[str, ...] = ()


def replaced(module: ModuleType, name: str, old: str, new: str, *, times: int = 1) -> Mutate:
    """Replace a piece of a module's SQL, whatever its white space; it must be there."""

    def mutate(engine: Engine) -> None:
        pattern = r"\s+".join(re.escape(word) for word in old.split())
        text, found = re.subn(pattern, lambda _: new, getattr(module, name))
        assert found == times, f"{module.__name__}.{name} has {old!r} {found} times, not {times}"
        engine.patch.setattr(module, name, text)

    return mutate


def inserting(old: str, new: str) -> Mutate:
    """Replace a piece of the statement that makes units, whatever their identities need."""

    def mutate(engine: Engine) -> None:
        sound = cycles.insert_units

        def insert_units(**form: Any) -> str:
            text = sound(**form)
            assert text.count(old) == 1, f"the statement has {old!r} {text.count(old)} times"
            return text.replace(old, new)

        engine.patch.setattr(cycles, "insert_units", insert_units)

    return mutate


def both(*mutations: Mutate) -> Mutate:
    """Apply several."""

    def mutate(engine: Engine) -> None:
        for one in mutations:
            one(engine)

    return mutate
