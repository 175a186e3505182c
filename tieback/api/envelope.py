"""The one shape of every answer: ``ok``, ``data`` or ``error``, and ``meta``."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from tieback.errors import FieldError, TiebackError, Unavailable
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
    return JsonResponse(body, status=status)


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


def flatten(detail: Any, path: str = "") -> list[FieldError]:
    """Turn the framework's nested error detail into one line per fault."""
    if isinstance(detail, Mapping):
        found = []
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            found += flatten(value, ".".join(part for part in (path, name) if part))
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
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    if isinstance(error, exceptions.ValidationError):
        fields = tuple(flatten(error.detail))
        message = "The request is malformed; every faulty field is listed."
        return _answer(context, error.status_code, "VALIDATION_ERROR", message, fields, headers)
    code = CODES.get(error.status_code, "ERROR")
    return _answer(context, error.status_code, code, str(error.detail), (), headers)


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer every exception of the API in the envelope; nothing internal is ever shown."""
    match error:
        case TiebackError():
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            return _answer(
                context, error.status, error.code, error.message, error.fields, headers
            )
        case exceptions.APIException():
            return _known(error, context)
        case Http404():
            return _known(exceptions.NotFound("There is no such object."), context)
        case PermissionDenied():
            return _known(exceptions.PermissionDenied(), context)
        case RequestDataTooBig():
            return _answer(context, 413, "BODY_TOO_LARGE", "The request's body is too large.")
        case OperationalError():
            log.exception("database_unavailable")
            return handle_exception(Unavailable(), context)
        case _:
            log.exception("unhandled")
            message = "Something went wrong on our side; quote the request id when you ask."
            return _answer(context, 500, "INTERNAL_ERROR", message)
