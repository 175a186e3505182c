"""What the settings say of the keys of wallets: the key itself, or who keeps it. Pure.

No error here repeats anything of what it was given, nor leads to another that does.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: A keypair as solana-keygen writes it: the seed, then the public key (RFC 8032, section 5.1.5).
KEYPAIR_BYTES, SEED_BYTES = 64, 32
ENV, SECRETS_MANAGER, KMS, VAULT = "env", "aws-secrets-manager", "aws-kms", "vault"
SOURCES = (ENV, SECRETS_MANAGER, KMS, VAULT)
#: The variables that give or name a key.
KEYPAIR, PRIVATE_KEY, PATH = "SOLANA_KEYPAIR", "WALLET_PRIVATE_KEY", "WALLET_PATH"
CREATOR_KEYPAIR = "SOLANA_TREE_CREATOR_KEYPAIR"
SOURCE, NAME = "SOLANA_KEY_SOURCE", "SOLANA_KEY_NAME"
_FORMS = "64 numbers in JSON, as solana-keygen writes them, or base58"
_OF_OTHERS = 0o077


class UnsoundKey(ValueError):
    """A setting of a wallet is not what it must be; the message says which, and what to do."""


class Hidden:
    """Bytes that show in no text and go into no message between processes."""

    __slots__ = ("_bytes",)

    def __init__(self, hidden: bytes) -> None:
        self._bytes = hidden

    def reveal(self) -> bytes:
        """Return them."""
        return self._bytes

    def __repr__(self) -> str:
        return "Hidden()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be copied or sent")


@dataclass(frozen=True)
class GivenKey:
    """Where the key of one role is: ``keypair``, 64 bytes, or ``name`` at whoever keeps it.

    ``setting`` is the variable to mend where something is wrong with it.
    """

    setting: str
    source: str = ENV
    keypair: Hidden | None = None
    name: str = ""


@dataclass(frozen=True)
class Rules:
    """What a file with a key must not be: inside ``project``, unless under ``home``; in
    production, open to other users of the machine."""

    project: Path
    home: Path
    is_production: bool


@dataclass(frozen=True)
class Wallets:
    """The keys of both roles, and what is wrong with the settings of them."""

    payer: GivenKey | None = None
    creator: GivenKey | None = None
    problems: tuple[str, ...] = ()


def read_wallets(
    variables: Mapping[str, str | None], rules: Rules, environ: Mapping[str, str]
) -> Wallets:
    """Return the keys that the settings give.

    ``variables`` are those of both roles by name, each from itself or from its file; ``environ``
    says which of both there was.
    """
    given = {name: value or "" for name, value in variables.items()}
    problems = [
        f"{name} and {name}_FILE are set: leave one of them out"
        for name in (KEYPAIR, PRIVATE_KEY, CREATOR_KEYPAIR)
        if environ.get(name) and environ.get(f"{name}_FILE")
    ]
    payer, creator = None, None
    try:
        payer = _read_payer(given, rules)
    except UnsoundKey as error:
        problems.append(str(error))
    try:
        creator = _read_creator(given[CREATOR_KEYPAIR])
    except UnsoundKey as error:
        problems.append(str(error))
    return Wallets(payer, creator, tuple(problems))


def problems_of_vault(address: str, token: Hidden) -> list[str]:
    """Return what is missing to ask Vault."""
    found = []
    if not address.startswith(("https://", "http://")):
        found.append(f"VAULT_ADDR must be Vault's address, https://…: {SOURCE} is {VAULT}")
    # Anything else could stand in no header.
    if not re.fullmatch(rb"[!-~]+", token.reveal()):
        found.append(f"VAULT_TOKEN (or VAULT_TOKEN_FILE) must be a token: {SOURCE} is {VAULT}")
    return found


def _read_payer(variables: Mapping[str, str], rules: Rules) -> GivenKey | None:
    source, name = variables[SOURCE] or ENV, variables[NAME]
    keys = [given for given in (KEYPAIR, PRIVATE_KEY, PATH) if variables[given]]
    if source != ENV:
        if keys:
            raise UnsoundKey(f"{keys[0]} is set and {SOURCE} is {source}: leave one of them out")
        return _named(source, name)
    if name:
        raise UnsoundKey(f"{NAME} is set and {SOURCE} is {ENV}: say who keeps the key")
    if len(keys) > 1:
        raise UnsoundKey(f"{' and '.join(keys)} are set: the payer has one key, leave one of them")
    if not keys:
        return None
    (setting,) = keys
    return GivenKey(setting, keypair=_read(setting, variables[setting], rules))


def _read_creator(text: str) -> GivenKey | None:
    if not text:
        return None
    return GivenKey(CREATOR_KEYPAIR, keypair=keypair_from(text, CREATOR_KEYPAIR))


def keypair_from(text: str, setting: str) -> Hidden:
    """Return the keypair that a text holds, as JSON or base58. Raises ``UnsoundKey``."""
    text = text.strip()
    raw = _of_json(text) if text.startswith("[") else _of_base58(text)
    if raw is None:
        raise UnsoundKey(f"{setting} holds no keypair: give it as {_FORMS}")
    return checked_keypair(raw, setting)


def checked_keypair(raw: bytes, setting: str) -> Hidden:
    """Return 64 bytes as a keypair, once its halves belong together. Raises ``UnsoundKey``."""
    if len(raw) != KEYPAIR_BYTES:
        raise UnsoundKey(
            f"{setting} holds {len(raw)} bytes: a keypair has {KEYPAIR_BYTES}, its seed and then"
            " its public key"
        )
    seed, public = raw[:SEED_BYTES], raw[SEED_BYTES:]
    if Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() != public:
        raise UnsoundKey(
            f"{setting} holds two halves that do not belong together: take the keypair from its"
            " origin again"
        )
    return Hidden(raw)


def _named(source: str, name: str) -> GivenKey:
    if not name:
        raise UnsoundKey(f"{NAME} is not set: {SOURCE} is {source}, so say which key")
    if _of_json(name) or len(_of_base58(name) or b"") == KEYPAIR_BYTES:
        raise UnsoundKey(f"{NAME} holds a key: it must be the name of one, the key is its keeper's")
    return GivenKey(NAME, source=source, name=name)


def _read(setting: str, value: str, rules: Rules) -> Hidden:
    if setting == PATH:
        return keypair_from(_text_of(Path(value), rules), setting)
    if setting == PRIVATE_KEY:
        raw = _of_base64(value)
        if raw is None:
            raise UnsoundKey(f"{setting} is no base64: give the keypair's 64 bytes so")
        return checked_keypair(raw, setting)
    return keypair_from(value, setting)


def _text_of(path: Path, rules: Rules) -> str:
    """Return what a file holds. Raises ``UnsoundKey``; its message has no path."""
    try:
        file = path.resolve(strict=True)
        mode, text = file.stat().st_mode, file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        file, mode, text = path, 0, ""
    if not text:
        raise UnsoundKey(f"{PATH} names no file that can be read: it must hold {_FORMS}")
    for place in (path.absolute(), file):
        if place.is_relative_to(rules.project) and not place.is_relative_to(rules.home):
            raise UnsoundKey(f"{PATH} names a file inside the repository: keep it elsewhere")
    if rules.is_production and mode & _OF_OTHERS:
        raise UnsoundKey(f"{PATH} names a file that other users can open: chmod 600")
    return text


def _of_json(text: str) -> bytes | None:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, list) or not all(type(one) is int for one in given):
        return None
    return bytes(given) if all(0 <= one <= 255 for one in given) else None  # noqa: PLR2004 - a byte


def _of_base58(text: str) -> bytes | None:
    try:
        return base58.b58decode(text)
    except ValueError:
        return None


def _of_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return None
