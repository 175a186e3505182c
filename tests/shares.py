"""Of many cases that are alike, the share that a run takes; ``make fuzz`` takes all of them."""

import os
from zlib import crc32

SEED = int(os.environ.get("TIEBACK_FUZZ_SEED", "20260101"))
# A quarter of what there is, since all of it takes minutes.
SHARE = int(os.environ.get("TIEBACK_FUZZ_SHARE", "4"))


def taken(*case: object) -> bool:
    """Say whether a case is one of those that this run takes; the same ones for the same seed."""
    return crc32(f"{SEED} {case}".encode()) % SHARE == 0
