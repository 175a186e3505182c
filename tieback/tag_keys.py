"""Reads the keys of brands' tags from the setting that holds them. Pure; repeats no key."""

import json
from typing import Any, NamedTuple
from uuid import UUID

KEY_BYTES = 16
#: With the seven bytes of a tag's UID the input of its key has 16 to 31 bytes. NXP AN10922 pads
#: shorter input by a rule of its own.
IDENTIFIER_BYTES = range(9, 25)
MOST_SETS = 8

_NAMES = {"meta_read", "file_read", "identifier"}


class KeySet(NamedTuple):
    """Keys of one brand's tags (NXP AN12196).

    ``file_read``, 16 bytes, is the master key from which each tag's own key is made, with the tag's
    UID and ``identifier``, 9 to 24 bytes (NXP AN10922). ``meta_read``, 16 bytes, decrypts UID and
    counter, so all tags have the same; None where tags write them in plain text.
    """

    file_read: bytes
    identifier: bytes
    meta_read: bytes | None = None


TagKeys = dict[UUID, tuple[KeySet, ...]]


class UnsoundTagKeys(ValueError):
    """The setting is not what it must be; the message says where, and repeats nothing of it."""


def read_tag_keys(text: str) -> TagKeys:
    """Return the sets of keys by brand, from JSON; none from an empty text.

    ``{"<brand id>": [{"file_read": "<32 hex>", "identifier": "<hex>", "meta_read": "<32 hex>"}]}``.
    Raises ``UnsoundTagKeys``.
    """
    if not text:
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        raise UnsoundTagKeys("is not JSON") from None
    if not isinstance(given, dict):
        raise UnsoundTagKeys("must be an object of lists by brand id")
    return {_brand(name): _key_sets(sets) for name, sets in given.items()}


def _brand(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise UnsoundTagKeys("names a brand by something that is no id") from None


def _key_sets(given: Any) -> tuple[KeySet, ...]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_SETS:
        raise UnsoundTagKeys(f"must give each brand a list of 1 to {MOST_SETS} sets of keys")
    return tuple(map(_key_set, given))


def _key_set(given: Any) -> KeySet:
    if not isinstance(given, dict) or not given.keys() <= _NAMES:
        raise UnsoundTagKeys(f"must give sets of keys with {', '.join(sorted(_NAMES))}")
    one_key = range(KEY_BYTES, KEY_BYTES + 1)
    meta_read = given.get("meta_read")
    return KeySet(
        _bytes(given, "file_read", one_key),
        _bytes(given, "identifier", IDENTIFIER_BYTES),
        None if meta_read is None else _bytes(given, "meta_read", one_key),
    )


def _bytes(given: dict[str, Any], name: str, lengths: range) -> bytes:
    try:
        found = bytes.fromhex(given.get(name, ""))
    except (TypeError, ValueError):
        found = b""
    if len(found) not in lengths:
        least, most = lengths[0], lengths[-1]
        count = f"{least}" if least == most else f"{least} to {most}"
        raise UnsoundTagKeys(f"must give {name} as {count} bytes in hexadecimal digits")
    return found
