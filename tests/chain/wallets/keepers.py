"""AWS and Vault as their clients know them, over HTTP: they keep real keys and really sign.

Only what is asked of them is there. What they answer in trouble has the form of the real ones.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = "ECC_NIST_EDWARDS25519"
#: What KMS takes as a message at most.
MOST_BYTES = 4096


class Refusal(Exception):
    """A status, and what the body says."""

    def __init__(self, status: int, body: dict[str, Any]):
        self.status, self.body = status, body


def raw_public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


@dataclass
class Keeper:
    """A server that answers each request by ``answer``, or by the next of its troubles."""

    troubles: list[Refusal] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in threads of this process."""
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    if keeper.troubles:
                        raise keeper.troubles.pop(0)
                    status, told = 200, keeper.answer(self.command, self.path, self.headers, body)
                except Refusal as refusal:
                    status, told = refusal.status, refusal.body
                sent = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


@dataclass
class Aws(Keeper):
    """Secrets Manager and KMS, which speak AWS JSON 1.1 at one address."""

    secrets: dict[str, str | bytes] = field(default_factory=dict)
    #: Ed25519 keys of KMS, and those of another kind.
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    odd_keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Signs with this key in place of the one it was asked for.
    mistaken: Ed25519PrivateKey | None = None

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        service, operation = headers["X-Amz-Target"].split(".")
        signed_for = "secretsmanager" if service == "secretsmanager" else "kms"
        assert headers["Content-Type"] == "application/x-amz-json-1.1"
        assert re.search(
            rf"AWS4-HMAC-SHA256 .*/{signed_for}/aws4_request", headers["Authorization"]
        )
        asked = json.loads(body)
        self.asked.append({"operation": operation, **asked})
        return {
            "GetSecretValue": self._secret,
            "GetPublicKey": self._public_key,
            "Sign": self._signed,
        }[operation](asked)

    def _secret(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["SecretId"]
        if name not in self.secrets:
            said = "Secrets Manager can't find the specified secret."
            raise Refusal(400, {"__type": "ResourceNotFoundException", "Message": said})
        kept = self.secrets[name]
        as_text = isinstance(kept, str)
        shown = {"SecretString": kept} if as_text else {"SecretBinary": _base64(kept)}
        return {"Name": name, "VersionId": "v", "VersionStages": ["AWSCURRENT"], **shown}

    def _public_key(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = asked["KeyId"]
        spec, usage = self.odd_keys.get(name, (ED25519, "SIGN_VERIFY"))
        key = self._key(name)
        known: Any = (
            key.public_key() if spec == ED25519 else ec.generate_private_key(ec.SECP256R1())
        )
        public = known if spec == ED25519 else known.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": name, "KeySpec": spec, "KeyUsage": usage, "PublicKey": _base64(der)}

    def _signed(self, asked: dict[str, Any]) -> dict[str, Any]:
        message = base64.b64decode(asked["Message"])
        kind = (asked["MessageType"], asked["SigningAlgorithm"])
        if kind != ("RAW", "ED25519_SHA_512") or not 1 <= len(message) <= MOST_BYTES:
            raise Refusal(400, {"__type": "ValidationException", "message": "1 validation error"})
        signature = (self.mistaken or self._key(asked["KeyId"])).sign(message)
        return {
            "KeyId": asked["KeyId"],
            "Signature": _base64(signature),
            "SigningAlgorithm": kind[1],
        }

    def _key(self, name: str) -> Ed25519PrivateKey:
        if name not in self.keys:
            said = f"Alias {name} is not found."
            raise Refusal(400, {"__type": "NotFoundException", "message": said})
        return self.keys[name]


@dataclass
class Vault(Keeper):
    """Vault with KV version 2 at ``secret`` and Transit at ``transit``, and one token."""

    token: str = "hvs.a-token-of-tests"
    namespace: str = ""
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The versions of each key of Transit, the oldest first, and keys of another kind.
    keys: dict[str, list[Ed25519PrivateKey]] = field(default_factory=dict)
    odd_keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    mistaken: Ed25519PrivateKey | None = None

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        if headers["X-Vault-Token"] != self.token:
            raise Refusal(403, {"errors": ["permission denied"]})
        if (headers["X-Vault-Namespace"] or "") != self.namespace:
            raise Refusal(404, {"errors": []})
        self.asked.append({"method": method, "path": path})
        mount, kind, name = path.removeprefix("/v1/").split("/", 2)
        if method == "GET" and (mount, kind) == ("secret", "data"):
            return {"request_id": "r", "data": self._secret(name)}
        if method == "GET" and (mount, kind) == ("transit", "keys"):
            return {"request_id": "r", "data": self._key(name)}
        if method == "POST" and (mount, kind) == ("transit", "sign"):
            return {"request_id": "r", "data": self._signed(name, json.loads(body))}
        raise Refusal(404, {"errors": [f"no handler for route {path}"]})

    def _secret(self, name: str) -> dict[str, Any]:
        if name not in self.secrets:
            raise Refusal(404, {"errors": []})
        return {"data": self.secrets[name], "metadata": {"version": 1, "destroyed": False}}

    def _versions(self, name: str) -> list[Ed25519PrivateKey]:
        if name not in self.keys:
            raise Refusal(404, {"errors": []})
        return self.keys[name]

    def _key(self, name: str) -> dict[str, Any]:
        versions = self._versions(name)
        known = {
            str(number): {"name": "ed25519", "public_key": _base64(raw_public(key))}
            for number, key in enumerate(versions, start=1)
        }
        told = {"type": "ed25519", "derived": False, "latest_version": len(versions), "keys": known}
        return {**told, **self.odd_keys.get(name, {})}

    def _signed(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        versions = self._versions(name)
        version = asked.get("key_version") or len(versions)
        if version > len(versions):
            raise Refusal(400, {"errors": ["cannot sign: version is too new"]})
        key = self.mistaken or versions[version - 1]
        signature = _base64(key.sign(base64.b64decode(asked["input"])))
        return {"signature": f"vault:v{version}:{signature}", "key_version": version}


def _base64(raw: str | bytes) -> str:
    assert isinstance(raw, bytes)
    return base64.b64encode(raw).decode()
