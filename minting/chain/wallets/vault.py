"""Keys kept in HashiCorp Vault: read from KV version 2, or signing inside Transit.

The name is the path of Vault's own API behind ``/v1/``, mount first: ``secret/data/tieback/payer``
with ``#field`` (else ``keypair``) for KV, ``transit/keys/payer`` with ``:version`` (else the
newest) for Transit. Source: Vault's HTTP API.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx2
from solders.pubkey import Pubkey
from solders.signature import Signature

from minting.chain.wallets.given import NAME, Hidden, UnsoundKey, keypair_from
from minting.chain.wallets.signer import (
    HeldKey,
    KeyNotReachable,
    KeyRefused,
    Signer,
    checked_signature,
    shown,
)

SECONDS = 5.0
FIELD = "keypair"
KEY_TYPE = "ed25519"
_KV = re.compile(r"(?P<path>[^#]+?/data/[^#]+)(?:#(?P<field>.+))?")
_TRANSIT = re.compile(
    r"(?P<mount>(?:(?!/data/).)+?)/keys/(?P<key>[\w.-]+)(?::(?P<version>[1-9]\d*))?"
)
_SIGNATURE = re.compile(r"vault:v\d+:(?P<base64>.+)")
_OK, _UNAVAILABLE = 200, 500
# Besides 5xx: too many requests, and standby nodes of two kinds.
_PASSING = {429, 472, 473}


@dataclass(frozen=True)
class VaultServer:
    """Where Vault is, and the token that it knows us by. ``namespace`` is Vault Enterprise's."""

    address: str
    token: Hidden
    namespace: str = ""

    def client(self) -> httpx2.Client:
        """Return a client of it, which threads may share."""
        headers = {"X-Vault-Token": self.token.reveal().decode(), "X-Vault-Request": "true"}
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        base = self.address.rstrip("/") + "/v1/"
        return httpx2.Client(base_url=base, headers=headers, timeout=SECONDS)


class _Found(NamedTuple):
    version: int
    address: Pubkey


class TransitKey:
    """One version of a key that never leaves Vault. A newer version is another address."""

    def __init__(self, client: httpx2.Client, mount: str, key: str, found: _Found) -> None:
        self._client, self._path, self._version = client, f"{mount}/sign/{key}", found.version
        self.address = found.address

    def sign(self, message: bytes) -> Signature:
        """Return the signature of a message."""
        asked = {"input": base64.b64encode(message).decode(), "key_version": self._version}
        answer = _ask(self._client, "POST", self._path, asked)
        signed = _SIGNATURE.fullmatch(str(answer.get("signature")))
        raw = _decoded(signed["base64"]) if signed else b""
        return checked_signature(self, message, raw)

    def __repr__(self) -> str:
        return shown(self)


def vault_signer(server: VaultServer, name: str) -> Signer:
    """Return the signer of a name. Raises ``KeyNotReachable`` and ``KeyRefused``."""
    name = name.strip("/")
    if found := _TRANSIT.fullmatch(name):
        client = server.client()
        wanted = int(found["version"]) if found["version"] else None
        key = _version_of(client, f"{found['mount']}/keys/{found['key']}", wanted)
        return TransitKey(client, found["mount"], found["key"], key)
    if found := _KV.fullmatch(name):
        with server.client() as client:
            answer = _ask(client, "GET", found["path"])
        return HeldKey(_keypair_of(answer.get("data"), found["field"] or FIELD))
    raise KeyRefused(f"{NAME} is no path of Vault: mount/data/path#field or mount/keys/name")


def _version_of(client: httpx2.Client, path: str, wanted: int | None) -> _Found:
    """Return a version of a key in Transit, the newest where none is wanted, and its address."""
    data = _ask(client, "GET", path)
    if data.get("type") != KEY_TYPE or data.get("derived"):
        raise KeyRefused(
            f"the key of {NAME} is {data.get('type')}: Solana needs {KEY_TYPE}, not derived"
        )
    version = wanted or data.get("latest_version")
    known = data.get("keys", {}).get(str(version))
    public = _decoded(known.get("public_key", "")) if isinstance(known, dict) else b""
    if not isinstance(version, int) or len(public) != Pubkey.LENGTH:
        raise KeyRefused(f"Vault has no version {version} of the key of {NAME}")
    return _Found(version, Pubkey(public))


def _keypair_of(secret: Any, field: str) -> Hidden:
    text = secret.get(field) if isinstance(secret, dict) else None
    if not isinstance(text, str):
        raise KeyRefused(f"the secret of {NAME} has no text in its field: name it after #")
    try:
        return keypair_from(text, NAME)
    except UnsoundKey as error:
        raise KeyRefused(f"the secret is no key: {error}") from None


def _ask(
    client: httpx2.Client, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the ``data`` of an answer. Raises ``KeyNotReachable`` and ``KeyRefused``."""
    try:
        answer = client.request(method, path, json=body)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise KeyNotReachable(f"Vault does not answer: {type(error).__name__}") from None
    status = answer.status_code
    if status >= _UNAVAILABLE or status in _PASSING:
        raise KeyNotReachable(f"Vault cannot answer now: {status}")
    if status != _OK:
        raise KeyRefused(
            f"Vault refuses with {status}. Is {NAME} right, and does a policy let the token use it?"
        )
    data = _data_of(answer)
    if data is None:
        raise KeyRefused("VAULT_ADDR does not answer as Vault does")
    return data


def _data_of(answer: httpx2.Response) -> dict[str, Any] | None:
    try:
        told = answer.json()
    except ValueError:
        return None
    data = told.get("data") if isinstance(told, dict) else None
    return data if isinstance(data, dict) else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
