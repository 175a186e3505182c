"""What a node of the chain does wrong on purpose, for tests of whoever depends on it. Pure."""

import random
from dataclasses import dataclass, fields
from typing import Any


class UnknownFault(ValueError):
    """A fault that no node can have, or a share that is none."""


@dataclass(frozen=True)
class Faults:
    """Shares are of requests, from 0 to 1.

    ``drop``: a transaction is accepted and never lands. ``lost``: it lands, and the answer is an
    error. ``slow_ms``: every answer takes so long. ``throttled``: 429 with Retry-After.
    ``unavailable``: 503. ``lag``: the node sees the chain as it was so many slots ago.
    ``forgets``: it knows the status of no transaction. ``ahead``: it says that the chain is so
    many blocks further than it is.
    """

    drop: float = 0.0
    lost: float = 0.0
    slow_ms: float = 0.0
    throttled: float = 0.0
    unavailable: float = 0.0
    lag: int = 0
    forgets: bool = False
    ahead: int = 0

    @classmethod
    def read(cls, given: Any) -> "Faults":
        """Return faults from a JSON object. Raises ``UnknownFault``."""
        kinds: dict[str, Any] = {
            field.name: type(getattr(cls, field.name)) for field in fields(cls)
        }
        if not isinstance(given, dict) or not given.keys() <= kinds.keys():
            raise UnknownFault(f"faults are an object with {', '.join(kinds)}")
        for name, value in given.items():
            if not isinstance(value, int | float) or value < 0:
                raise UnknownFault(f"{name} must be a number, not negative")
        return cls(**{name: kinds[name](value) for name, value in given.items()})


def strikes(share: float) -> bool:
    """Tell whether it happens this time."""
    return bool(share) and random.random() < share  # noqa: S311 - no secret
