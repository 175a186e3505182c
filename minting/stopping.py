"""How a pool child learns that its worker is stopping.

Celery tells only the parent process. One byte of memory shared since before the fork carries the
news; a step looks at it between cycles, lets go of its lease and returns.
"""

import mmap

_flag = mmap.mmap(-1, 1)


def request_stop() -> None:
    """Ask every process of this worker to stop at the next safe place."""
    _flag[0] = 1


def stop_requested() -> bool:
    """Say whether this worker is stopping."""
    return _flag[0] == 1


def forget() -> None:
    """Take the request back (tests)."""
    _flag[0] = 0
