"""Learns which statement the resolver sends for a code, by asking it once.

A peer that sends the very same one differs from the resolver in everything but the database's
work, and goes on doing so when the resolver's statement changes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from resolver import database
from resolver.database import Parameters


class NothingLearnt(Exception):
    """The resolver sent no statement that names the code."""


@dataclass(frozen=True)
class Statement:
    """One statement and the parameters it went out with, for one token."""

    query: str
    parameters: Parameters
    token: str

    def for_token(self) -> Callable[[str], Parameters]:
        """Return a function that makes the parameters for another token."""
        if isinstance(self.parameters, dict):
            named = self.parameters
            names = [name for name, value in named.items() if _has(value, self.token)]
            return lambda token: {
                **named,
                **{name: self._put(named[name], token) for name in names},
            }
        (at,) = (at for at, value in enumerate(self.parameters) if _has(value, self.token))
        before, mine, after = self.parameters[:at], self.parameters[at], self.parameters[at + 1 :]
        return lambda token: (*before, self._put(mine, token), *after)

    def _put(self, value: Any, token: str) -> str:
        return str(value).replace(self.token, token)


def _has(value: Any, token: str) -> bool:
    """Tell whether a parameter holds the token; a statement for many scans has arrays of them."""
    return isinstance(value, str) and token in value


def learn(ask: Callable[[], object], token: str) -> Statement:
    """Return the statement with the token among its parameters that ``ask`` sends first."""
    with _sent() as statements:
        ask()
    for query, parameters in statements:
        values = parameters.values() if isinstance(parameters, dict) else parameters
        if any(_has(value, token) for value in values):
            return Statement(query, parameters, token)
    raise NothingLearnt(f"{len(statements)} statements, none with {token}")


@contextmanager
def _sent() -> Iterator[list[tuple[str, Parameters]]]:
    """List what the resolver asks the database meanwhile."""
    seen: list[tuple[str, Parameters]] = []
    run = database._run  # noqa: SLF001 - what all its questions go through

    def listing(query: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        seen.append((query, parameters))
        return run(query, parameters)

    with mock.patch.object(database, "_run", listing):
        yield seen
