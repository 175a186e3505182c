"""Idempotent replay: a request that is sent again with its key is answered, not run, again.

The base view admits a keyed request before its handler runs and keeps the answer in the
transaction of the handler's effect, so both are there or neither. Errors roll that transaction
back and are therefore never kept: a retry after one runs anew.

Sources: IETF draft "The Idempotency-Key HTTP Header Field" (in flight 409, reused with another
payload 422); docs/adr/0010-repeated-requests.md for what is ours.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.db.models.functions import Now
from django.utils.datastructures import MultiValueDict
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.models import KeptAnswer
from tieback.api.principal import Principal
from tieback.errors import Conflict, FieldError, TiebackError, ValidationFailed

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LIFETIME = timedelta(hours=24)
#: Fields of an answer that a caller sees once: they are neither stored nor shown again.
SHOWN_ONCE = frozenset({"secret", "token", "password"})
#: Largest answer that is kept, after compression.
LARGEST_KEPT = 65_536
#: 1 to 255 printable ASCII characters, no space at either end.
KEY_PATTERN = r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?"
LONGEST_KEY = 255

_KEY = re.compile(KEY_PATTERN)


class KeyReused(TiebackError):
    """This Idempotency-Key was used for another request. Use a new key for a new request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422


class RequestInFlight(Conflict):
    """A request with this Idempotency-Key is being processed. Ask again in a moment."""

    code = "REQUEST_IN_FLIGHT"
    retry_after = 1


class AnswerNotKept(Conflict):
    """This request was carried out; its answer was too large to keep. Read what it changed."""

    code = "ANSWER_NOT_KEPT"


class Replay(Exception):
    """Not a fault: the earlier answer, which ends the request before its handler runs."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__("answered earlier")


def read_key(header: str | None) -> str:
    """Return the key of a request, else raise the 400 that names the header."""
    if header is None or not header.strip():
        code, message = "REQUIRED", "Send a key that is new for each request."
    elif not _KEY.fullmatch(header):
        code, message = "INVALID", f"Use 1 to {LONGEST_KEY} printable ASCII characters."
    else:
        return header
    raise ValidationFailed(fields=(FieldError(HEADER, code, message),))


def try_lock(name: str) -> None:
    """Hold ``name`` until the transaction ends; raise if another request holds it."""
    digest = hashlib.sha256(name.encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_try_advisory_xact_lock(%s)",
            [int.from_bytes(digest[:8], "big", signed=True)],
        )
        (held,) = cursor.fetchone()
    if not held:
        raise RequestInFlight


@dataclass(frozen=True)
class KeyedRequest:
    """A request with a key, admitted: it is the only one of its scope that runs now."""

    brand_id: UUID
    principal: str
    operation: str
    key_sha256: bytes
    fingerprint: bytes

    def keep(self, response: Response, *, lifetime: timedelta, shown_once: Iterable[str]) -> None:
        """Store the answer with the effect; an answer that has expired makes room for it.

        A handler that rolls its own work back, as a dry run may, leaves nothing to repeat.
        """
        if connection.needs_rollback:
            return
        answer = _packed(response, frozenset(shown_once))
        row = KeptAnswer(
            brand_id=self.brand_id,
            principal=self.principal,
            operation=self.operation,
            key_sha256=self.key_sha256,
            fingerprint=self.fingerprint,
            status=response.status_code,
            content_type=response.accepted_media_type,
            answer=answer if len(answer) <= LARGEST_KEPT else None,
            created_at=Now(),
            expires_at=Now() + lifetime,
        )
        KeptAnswer.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=("brand", "principal", "operation", "key_sha256"),
            update_fields=(
                *("fingerprint", "status", "content_type"),
                *("answer", "created_at", "expires_at"),
            ),
        )


def admit(request: Request, principal: Principal) -> KeyedRequest | None:
    """Let a request run, or end it: with its earlier answer, or because the key is in use.

    A request without the header is let through as it is.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    keyed = KeyedRequest(
        brand_id=principal.brand_id,
        principal=principal.actor,
        operation=_operation(request),
        key_sha256=hashlib.sha256(read_key(given).encode()).digest(),
        fingerprint=_fingerprint(request),
    )
    scope = (str(keyed.brand_id), keyed.principal, keyed.operation, keyed.key_sha256.hex())
    try_lock(json.dumps(scope))
    # A statement of its own: it must see what the last holder of the lock committed.
    earlier = KeptAnswer.objects.filter(
        principal=keyed.principal,
        operation=keyed.operation,
        key_sha256=keyed.key_sha256,
        expires_at__gt=Now(),
    ).first()
    if earlier is None:
        return keyed
    if bytes(earlier.fingerprint) != keyed.fingerprint:
        raise KeyReused
    if earlier.answer is None:
        raise AnswerNotKept
    raise Replay(_unpacked(earlier.status, bytes(earlier.answer)))


def _operation(request: Request) -> str:
    match = request.resolver_match
    return f"{request.method} {match.route if match else request.path}"


def _fingerprint(request: Request) -> bytes:
    """Return the SHA-256 of everything that tells this request from another of its operation."""
    match = request.resolver_match
    told = {
        "path": {name: str(value) for name, value in (match.kwargs if match else {}).items()},
        "query": sorted(request.query_params.lists()),
        "body": _body(request.data),
    }
    return hashlib.sha256(canonical(told)).digest()


def canonical(value: Any) -> bytes:
    """Return JSON that is the same whatever the order of fields and the white space were."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()


def _body(data: Any) -> Any:
    """Return what stands for a body: its JSON, or a form's values and the hashes of its files."""
    if not isinstance(data, MultiValueDict):
        return data
    return {
        name: [_sha256(value) if isinstance(value, UploadedFile) else value for value in values]
        for name, values in data.lists()
    }


def _sha256(file: "UploadedFile[bytes]") -> str:
    file.seek(0)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _packed(response: Response, shown_once: frozenset[str]) -> bytes:
    # Through the renderer first: it alone knows how dates, UUIDs and lazy texts are written.
    said = {"data": response.data, "meta": getattr(response, "meta", {})}
    told = json.loads(JSONRenderer().render(said))
    hidden: list[str] = []
    told = {**told, "data": _without(told["data"], shown_once, hidden), "hidden": hidden}
    return zlib.compress(json.dumps(told, separators=(",", ":")).encode())


def _without(data: Any, names: frozenset[str], hidden: list[str], path: str = "") -> Any:
    """Return ``data`` with null for each field so named; lists hold objects, not their secrets."""
    if not isinstance(data, Mapping):
        return data
    kept: dict[str, Any] = {}
    for name, value in data.items():
        at = f"{path}.{name}" if path else str(name)
        if name in names and value is not None:
            hidden.append(at)
            kept[name] = None
        else:
            kept[name] = _without(value, names, hidden, at)
    return kept


def _unpacked(status: int, answer: bytes) -> Response:
    told = json.loads(zlib.decompress(answer))
    response = Response(told["data"], status=status, headers={REPLAYED: "true"})
    hidden = {"not_repeated": told["hidden"]} if told["hidden"] else {}
    response.meta = {**told["meta"], **hidden}  # type: ignore[attr-defined]
    return response
