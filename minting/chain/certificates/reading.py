"""Reading a certificate's account: what it says, and that nobody can change it. Pure.

Source: Token-2022's ``Mint`` with its extensions, which follow it as type, length and value.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_ACCOUNT_BYTES = 165
_MINT_ACCOUNT = 1
_METADATA_POINTER, _TOKEN_METADATA = 18, 19
_NOBODY = bytes(32)


class NoCertificate(ValueError):
    """These bytes are no certificate; the message says why."""


@dataclass(frozen=True)
class Certificate:
    """A mint's own account of itself. ``is_immutable``: no authority is left of any kind."""

    name: str
    fields: dict[str, str]
    supply: int
    is_immutable: bool


def read(data: bytes) -> Certificate:
    """Return what a mint's account says. Raises ``NoCertificate``."""
    try:
        return _read(data)
    except (struct.error, UnicodeDecodeError) as error:
        raise NoCertificate("the account ends too soon, or holds no text") from error


def _read(data: bytes) -> Certificate:
    if len(data) <= _ACCOUNT_BYTES or data[_ACCOUNT_BYTES] != _MINT_ACCOUNT:
        raise NoCertificate("the account is no mint with extensions")
    has_minter, supply, _, is_made, has_freezer = struct.unpack_from("<I32xQBBI", data)
    extensions = dict(_extensions(data))
    if not is_made or _TOKEN_METADATA not in extensions or _METADATA_POINTER not in extensions:
        raise NoCertificate("the mint has no metadata")
    authority, name, fields = _metadata(extensions[_TOKEN_METADATA])
    pointer = extensions[_METADATA_POINTER][:32]
    is_let_go = not has_minter and not has_freezer and authority == pointer == _NOBODY
    # Any other extension could come with an authority of its own.
    known = set(extensions) == {_METADATA_POINTER, _TOKEN_METADATA}
    return Certificate(name, fields, supply, is_immutable=is_let_go and known)


def _extensions(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = _ACCOUNT_BYTES + 1
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == 0:
            return
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + length


def _metadata(data: bytes) -> tuple[bytes, str, dict[str, str]]:
    at = 64

    def text() -> str:
        nonlocal at
        (length,) = struct.unpack_from("<I", data, at)
        raw = data[at + 4 : at + 4 + length]
        if len(raw) < length:
            raise NoCertificate("the metadata end too soon")
        at += 4 + length
        return raw.decode()

    name, _symbol, _uri = text(), text(), text()
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    return data[:32], name, {text(): text() for _ in range(count)}
