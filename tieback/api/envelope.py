"""The one shape of every answer: ``ok``, ``data`` or ``error``, and ``meta``."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from tieback.broken_lines import line_broke
from tieback.errors import (
    BodyTooLarge,
    FieldError,
    Forbidden,
    NotFound,
    TiebackError,
    Unavailable,
)
from tieback.requests import request_id_of

log = structlog.get_logger(__name__)

CODES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "BAD_REQUEST",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "FORBIDDEN",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    HTTPStatus.NOT_ACCEPTABLE: "NOT_ACCEPTABLE",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "BODY_TOO_LARGE",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    HTTPStatus.TOO_MANY_REQUESTS: "TOO_MANY_REQUESTS",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL_ERROR",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
}


def error_body(
    *,
    code: str,
    message: str,
    request_id: str,
    fields: tuple[FieldError, ...] = (),
) -> dict[str, Any]:
    """Return the body of an error answer."""
    return {
        "ok": False,
        "error": {
            "code": code,
            "message": message,
            "fields": [field.as_dict() for field in fields],
        },
        "meta": {"request_id": request_id},
    }


def error_response(request: HttpRequest, status: int, message: str) -> JsonResponse:
    """Return an error answer from outside the API framework."""
    body = error_body(
        code=CODES.get(status, "ERROR"), message=message, request_id=request_id_of(request)
    )
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def unavailable(request: HttpRequest) -> JsonResponse:
    """Return the 503 of a request that lost the database."""
    error = Unavailable()
    response = error_response(request, error.status, error.message)
    response["Retry-After"] = str(error.retry_after)
    return response


class EnvelopeRenderer(JSONRenderer):
    """Put ``data`` into the envelope; answers that already have it stay as they are."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the bytes of the answer."""
        context = renderer_context or {}
        response, request = context.get("response"), context.get("request")
        if response is None or request is None or getattr(response, "is_enveloped", False):
            return super().render(data, accepted_media_type, renderer_context)
        meta = {"request_id": request_id_of(request), **getattr(response, "meta", {})}
        body = {"ok": True, "data": data, "meta": meta}
        return super().render(body, accepted_media_type, renderer_context)


def _path(parent: str, key: Any) -> str:
    if key == "non_field_errors":
        return parent
    if isinstance(key, int):
        return f"{parent}[{key}]"
    return f"{parent}.{key}" if parent else str(key)


def flatten(detail: Any, path: str = "") -> list[FieldError]:
    """Turn the framework's nested error detail into one line per fault."""
    if isinstance(detail, Mapping):
        found = []
        for key, value in detail.items():
            found += flatten(value, _path(path, key))
        return found
    if isinstance(detail, list):
        found = []
        for index, item in enumerate(detail):
            nested = isinstance(item, Mapping | list)
            found += flatten(item, f"{path}[{index}]" if nested and path else path) if item else []
        return found
    code = str(getattr(detail, "code", "invalid"))
    return [FieldError(path or "body", code.upper(), str(detail))]


def _answer(
    context: Mapping[str, Any],
    status: int,
    code: str,
    message: str,
    fields: tuple[FieldError, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = error_body(
        code=code, message=message, request_id=request_id_of(context["request"]), fields=fields
    )
    response = Response(body, status=status, headers=dict(headers or {}))
    response.is_enveloped = True  # type: ignore[attr-defined]
    return response


def _known(error: exceptions.APIException, context: Mapping[str, Any]) -> Response:
    headers = {}
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    if challenge:
        headers["WWW-Authenticate"] = str(challenge)
    if wait:
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        fields = tuple(flatten(error.detail))
        message = "The request is malformed; every faulty field is listed."
        return _answer(context, error.status_code, "VALIDATION_ERROR", message, fields, headers)
    code = CODES.get(error.status_code, "ERROR")
    return _answer(context, error.status_code, code, str(error.detail), (), headers)


def _in_our_words(error: Exception) -> Exception:
    """Return the error a caller may be told of in place of one of Django's."""
    match error:
        case Http404():
            return NotFound("There is no such object.")
        case PermissionDenied():
            return Forbidden("This is not allowed.")
        case RequestDataTooBig():
            return BodyTooLarge("The request's body is too large.")
        case SuspiciousOperation() | MultiPartParserError() | UnreadablePostError():
            return exceptions.ParseError("The request's body could not be read.")
        case DatabaseError() | InterfaceError() if line_broke(error):
            log.error("database_unavailable", exc_info=error)
            return Unavailable()
    return error


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer every exception of the API in the envelope; nothing internal is ever shown."""
    match _in_our_words(error):
        case TiebackError() as known:
            headers = {"Retry-After": str(known.retry_after)} if known.retry_after else {}
            return _answer(context, known.status, known.code, known.message, known.fields, headers)
        case exceptions.APIException() as known:
            return _known(known, context)
    log.error("unhandled", exc_info=error)
    message = "Something went wrong on our side; quote the request id when you ask."
    return _answer(context, HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message)
