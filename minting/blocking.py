"""One reason why a mint request is refused: what every rule returns. Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BlockingReason:
    """One reason why nothing was minted."""

    code: str
    message: str
    field: str
    detail: dict[str, Any] | None = None
