"""How large the proofs are: small in the suite, at full size by ``make prove``.

``TIEBACK_PROVE=full`` chooses the full size, ``TIEBACK_PROVE_SEED`` repeats a run's dice.
"""

import os
import secrets
from typing import TypeVar

T = TypeVar("T")

FULL = os.environ.get("TIEBACK_PROVE", "") == "full"
SEED = int(os.environ.get("TIEBACK_PROVE_SEED") or secrets.randbelow(2**31))


def scaled(suite: T, full: T) -> T:
    """Return the size for this run."""
    return full if FULL else suite
