"""Ends what a killed supervisor left running. Run as its own process, in its own session.

The supervisor writes one line per child on our standard input:
``+ PID SIGNAL WHOLE`` when it starts (WHOLE is 1 if the signal is for the child's whole process
group) and ``- PID`` when it has ended. End of input means that the supervisor is gone, however
it went. Standard library only, and no import of the package: it must start fast and survive.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 10.0


def main() -> None:
    """Follow the children until the supervisor is gone, then end those that are left."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    lock_fd = int(sys.argv[1])
    children: dict[int, tuple[int, bool]] = {}
    for line in sys.stdin:
        what, pid, *rest = line.split()
        if what == "+":
            children[int(pid)] = (int(rest[0]), rest[1] == "1")
        else:
            children.pop(int(pid), None)
    if children:
        if lock_fd >= 0:
            # Whoever starts on the same home now waits for us instead of being refused.
            os.ftruncate(lock_fd, 0)
            os.pwrite(lock_fd, b"ending", 0)
        end(children)


def end(children: dict[int, tuple[int, bool]]) -> None:
    """Ask the children to stop, newest first; after the grace period end their groups."""
    for pid, (signum, whole) in reversed(children.items()):
        with contextlib.suppress(OSError):
            os.killpg(pid, signum) if whole else os.kill(pid, signum)
            # A stopped process takes the signal only when it goes on.
            os.killpg(pid, signal.SIGCONT)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in children:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Say whether the process still runs: one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except ProcessLookupError:
        return False
    except OSError:
        # No /proc on this system, or another user's process: it answered the signal.
        return True


if __name__ == "__main__":
    main()
