"""What every place for pinned documents can do, and how it fails."""

from typing import ClassVar, Protocol

from tieback.errors import PermanentError, TransientError


class PinningDriver(Protocol):
    """A place that keeps blocks by their CID.

    Each method raises ``TransientError`` where a later attempt may go better, and
    ``PermanentError`` where none will; no text of theirs holds a secret or an address.
    """

    name: ClassVar[str]

    def pin(self, cid: str, content: bytes) -> None:
        """Keep a block for good. Doing it twice changes nothing.

        Raises ``OtherCid`` where the place has given the block another name.
        """

    def holds(self, cid: str) -> bool:
        """Tell whether the block is kept there."""

    def fetch(self, cid: str) -> bytes:
        """Return the bytes as they are kept. Raises ``Missing`` where there are none."""


class OtherCid(PermanentError):
    """A place has named a block otherwise than its bytes do: it has stored something else."""


class ToldToWait(TransientError):
    """A place takes no more requests before some ``seconds`` have passed."""

    def __init__(self, message: str, seconds: float) -> None:
        """Take the words for people, and how long to wait."""
        super().__init__(message)
        self.seconds = seconds
