"""Reading along on a connection, to know the moment at which a fault is worth something.

``PostgresWire`` follows the frontend's messages, simple and extended protocol alike, and tells when
the COMMIT of a transaction goes by that held a marked statement. ``HttpWire`` tells when a request
of one method begins. Neither keeps a payload: of each message only its head is looked at.
"""

from dataclasses import dataclass, field
from typing import Protocol

_HEAD = 400
_PROTOCOL_3 = 196_608
_LENGTH = 4


class Wire(Protocol):
    """What a proxy asks of the bytes that a client sends."""

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; return whether the awaited moment lies in them."""
        ...


@dataclass
class HttpWire:
    """Waits for a request of one method; a request line begins a chunk, as clients write it."""

    method: bytes = b"PUT "

    def feed(self, data: bytes) -> bool:
        """Say whether a request begins here."""
        return data.startswith(self.method)


@dataclass
class SilentWire:
    """Waits for nothing."""

    def feed(self, data: bytes) -> bool:
        """Say no."""
        return False


@dataclass
class PostgresWire:
    """Waits for the COMMIT of a transaction of ``role`` in which ``marker`` was named."""

    role: bytes = b"tieback_worker"
    marker: bytes = b"minting_mintunit"
    user: bytes = b""
    _started: bool = False
    _buffer: bytes = b""
    _skip: int = 0
    _marked: bool = False
    _statements: dict[bytes, bytes] = field(default_factory=dict)
    _portals: dict[bytes, bytes] = field(default_factory=dict)

    def feed(self, data: bytes) -> bool:
        """Follow the messages; return whether a marked COMMIT is among them."""
        seen = False
        self._buffer += data
        while True:
            if self._skip:
                passed = min(self._skip, len(self._buffer))
                self._buffer, self._skip = self._buffer[passed:], self._skip - passed
            # The start-up message has no tag, and requests for encryption may come before it.
            before = 1 if self._started else 0
            if self._skip or len(self._buffer) < before + _LENGTH:
                return seen
            length = int.from_bytes(self._buffer[before : before + _LENGTH], "big")
            head = min(length - _LENGTH, _HEAD)
            if len(self._buffer) < before + _LENGTH + head:
                return seen
            body = self._buffer[before + _LENGTH : before + _LENGTH + head]
            tag = self._buffer[:before]
            self._skip = before + length
            seen = self._message(tag, body) or seen

    def _message(self, tag: bytes, body: bytes) -> bool:
        if not tag:
            self._start(body)
            return False
        texts = body.split(b"\0")
        match tag:
            case b"Q":
                return self._executes(texts[0])
            case b"P" if len(texts) > 1:
                self._statements[texts[0]] = texts[1]
            case b"B" if len(texts) > 1:
                self._portals[texts[0]] = self._statements.get(texts[1], b"")
            case b"E":
                return self._executes(self._portals.get(texts[0], b""))
        return False

    def _start(self, body: bytes) -> None:
        if int.from_bytes(body[:4], "big") >> 16 != _PROTOCOL_3 >> 16:
            return
        texts = body[4:].split(b"\0")
        self.user = dict(zip(texts[::2], texts[1::2], strict=False)).get(b"user", b"")
        self._started = True

    def _executes(self, statement: bytes) -> bool:
        words = statement.strip().upper()
        if words.startswith((b"COMMIT", b"ROLLBACK", b"END")) and b" TO " not in words:
            ends_ours = words.startswith(b"COMMIT") and self._marked and self.user == self.role
            self._marked = False
            return ends_ours
        self._marked = self._marked or self.marker in statement
        return False
