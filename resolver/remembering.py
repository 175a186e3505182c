"""What a process remembers of the database for some seconds, and no more of it than fits."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

#: How long an answer is remembered, in seconds: so late may a change be seen.
SECONDS = 5.0

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Answers by what was asked; all are forgotten once there are ``most`` of them.

    Threads share it: two that ask for the same at once both ask the database.
    """

    def __init__(self, most: int) -> None:
        self.most, self.seconds = most, SECONDS
        self._known: dict[Key, tuple[float, Value]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: Key, ask: Callable[[], Value]) -> Value:
        """Return what is remembered, or ask for it; what asking raises is not remembered."""
        now = time.monotonic()
        known = self._known.get(key)
        if known and known[0] > now:
            return known[1]
        value = ask()
        if len(self._known) >= self.most:
            self._known.clear()
        self._known[key] = now + self.seconds, value
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
