"""Lets many requests wait on one thread, each in code that knows nothing of it.

On the server's event loop a request runs as a greenlet: it goes on until it has to wait, gives way
to the others, and takes its turn again once what it waits for is there. To wake a thread for each
scan would cost more than the scan. Off the loop, in a thread of Django's, a command or a
test, whoever has to wait just waits.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from greenlet import getcurrent, greenlet

#: Turns that are kept for the requests to come; more are in use only while the database is slow.
MOST_IDLE = 256

Result = TypeVar("Result")


class Turns:
    """The requests of one event loop."""

    def __init__(self, loop: AbstractEventLoop):
        self.loop = loop
        # A new greenlet maps a stack of its own into memory, which costs as much as ten switches.
        self.idle: list[Turn] = []

    def begin(self, work: Callable[[], None]) -> None:
        """Run ``work`` until it ends or gives way; on the loop's thread. It must not raise."""
        turn = self.idle.pop() if self.idle else Turn(self)
        turn.work = work
        turn.switch()


class Turn(greenlet):
    """Runs one request, and then the next."""

    work: Callable[[], None]

    def __init__(self, turns: Turns):
        super().__init__()
        self._turns = turns

    @property
    def loop(self) -> AbstractEventLoop:
        """The event loop that it runs on."""
        return self._turns.loop

    def run(self) -> None:
        """Do the work there is, again and again."""
        while True:
            self.work()
            del self.work
            if len(self._turns.idle) >= MOST_IDLE:
                return
            self._turns.idle.append(self)
            self.give_way()

    def give_way(self) -> None:
        """Let the loop go on; returns when somebody calls ``take``."""
        if self.parent is not None:
            self.parent.switch()

    def take(self) -> None:
        """Go on with what gave way; a callback of the loop."""
        self.switch()


def present() -> Turn | None:
    """Return the turn that this code runs in, or None off the loop."""
    current = getcurrent()
    return current if isinstance(current, Turn) else None


def wait_for(work: Callable[[], Result], threads: Executor) -> Result:
    """Return or raise what ``work`` does: in one of the threads where this is a turn, else here."""
    turn = present()
    if turn is None:
        return work()
    done = threads.submit(work)
    loop, take = turn.loop, turn.take
    done.add_done_callback(lambda _: loop.call_soon_threadsafe(take))
    turn.give_way()
    return done.result()
