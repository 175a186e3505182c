"""What the embedded stack says when it cannot go on: one line a person can act on."""


class StackError(Exception):
    """The stack cannot start or go on; the message says why and what to do."""


class StackInterruptedError(Exception):
    """A signal asked the stack to end while it was waiting for something."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by signal {signum}")
        self.signum = signum
