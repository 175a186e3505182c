"""Reads and checks what an NTAG 424 DNA tag writes into its code at each tap (SUN, SDM). Pure.

The tag mirrors its UID and a counter of its taps into the code's query, with a MAC that only it and
the brand can make: ``picc_data`` (UID and counter, encrypted) or ``uid`` and ``ctr`` in plain text,
then ``cmac``; between them ``enc`` may hold encrypted file data, which the MAC covers and which is
not decrypted here. Sources: NXP AN12196 (SUN messages, AES mode, session keys by SV2), NXP AN10922
(keys of tags from a master key, AES-128), RFC 4493 (AES-CMAC). The LRP mode is not read.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from tieback.tag_keys import KeySet

#: The query parameters of a tag's message. ``cmac`` or ``picc_data`` makes it one.
ENCRYPTED, MAC, FILE_DATA, UID, COUNTER = PARAMETERS = ("picc_data", "cmac", "enc", "uid", "ctr")

UID_BYTES = 7
# UID and counter are both mirrored, and the UID has seven bytes.
_BOTH_MIRRORED = 0xC7

_BLOCK = "[0-9A-Fa-f]{32}"
_FORMS = {
    ENCRYPTED: re.compile(_BLOCK),
    UID: re.compile("[0-9A-Fa-f]{14}"),
    COUNTER: re.compile("[0-9A-Fa-f]{6}"),
    MAC: re.compile("[0-9A-Fa-f]{16}"),
    FILE_DATA: re.compile(f"(?:{_BLOCK}){{1,8}}"),
}


class Unreadable(ValueError):
    """The parameters are no message that a tag writes; the message says which is wrong."""


class NotAuthentic(Exception):
    """No key makes sense of the message: it is forged, or of somebody else's tag."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a tag wrote: its UID and counter, encrypted or plain, and the MAC."""

    mac: bytes
    covered: bytes = b""
    encrypted: bytes | None = None
    uid: bytes = b""
    counter: int = 0


class Tap(NamedTuple):
    """An authentic message: which tag, by its UID in capital hexadecimal digits, and which tap."""

    uid: str
    counter: int


def parse(pairs: Iterable[tuple[str, str]]) -> Message:
    """Return the message in a query's raw names and values. Raises ``Unreadable``."""
    given = _once(pairs)
    mac = _bytes(given, MAC)
    covered = b""
    if FILE_DATA in given:
        _bytes(given, FILE_DATA)
        # The MAC covers the characters as they stand between the file data and the MAC.
        covered = f"{given[FILE_DATA]}&{MAC}=".encode()
    if ENCRYPTED in given:
        if given.keys() & {UID, COUNTER}:
            raise Unreadable("A tag writes its UID encrypted or plain, not both.")
        return Message(mac, covered, encrypted=_bytes(given, ENCRYPTED))
    uid, counter = _bytes(given, UID), _bytes(given, COUNTER)
    return Message(mac, covered, uid=uid, counter=int.from_bytes(counter, "big"))


def verify(message: Message, key_sets: Iterable[KeySet]) -> Tap:
    """Return whose tap it was, by the first keys that fit. Raises ``NotAuthentic``."""
    for keys in key_sets:
        uid, counter = message.uid, message.counter
        if message.encrypted is not None:
            decrypted = keys.meta_read and _decrypt(message.encrypted, keys.meta_read)
            if not decrypted:
                continue
            uid, counter = decrypted
        expected = mac_of(diversified(keys, uid), uid, counter, message.covered)
        if hmac.compare_digest(expected, message.mac):
            return Tap(uid.hex().upper(), counter)
    raise NotAuthentic


def diversified(keys: KeySet, uid: bytes) -> bytes:
    """Return a tag's own key: AN10922, AES-128, with UID and identifier as input."""
    return _cmac(keys.file_read, b"\x01" + uid + keys.identifier)


def mac_of(key: bytes, uid: bytes, counter: int, covered: bytes = b"") -> bytes:
    """Return the 8 bytes of the MAC that the tag with this file read key writes (AN12196)."""
    of_session = b"\x3c\xc3\x00\x01\x00\x80" + uid + counter.to_bytes(3, "little")
    return _cmac(_cmac(key, of_session), covered)[1::2]


def _decrypt(encrypted: bytes, key: bytes) -> tuple[bytes, int] | None:
    """Return UID and counter, or None where the key is not the one it was encrypted with."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    plain = decryptor.update(encrypted) + decryptor.finalize()
    if plain[0] != _BOTH_MIRRORED:
        return None
    end = 1 + UID_BYTES
    return plain[1:end], int.from_bytes(plain[end : end + 3], "little")


def _cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def _once(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise Unreadable(f"{name} is given twice.")
        given[name] = value
    return given


def _bytes(given: Mapping[str, str], name: str) -> bytes:
    text = given.get(name)
    if text is None:
        raise Unreadable(f"{name} is missing.")
    if not _FORMS[name].fullmatch(text):
        raise Unreadable(f"{name} is not what a tag writes.")
    return bytes.fromhex(text)
