"""OpenAPI: operation ids of the contract, and every answer shown inside the envelope."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

_META = {
    "type": "object",
    "properties": {
        "request_id": {"type": "string"},
        "next_cursor": {"type": "string", "nullable": True},
        "has_more": {"type": "boolean"},
        "not_repeated": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Fields that were shown once and are null in this repeated answer.",
        },
    },
    "required": ["request_id"],
}
_ERROR = {
    "type": "object",
    "properties": {
        "ok": {"type": "boolean", "enum": [False]},
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "fields": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "field": {"type": "string"},
                            "code": {"type": "string"},
                            "message": {"type": "string"},
                            "detail": {"type": "object", "additionalProperties": True},
                        },
                        "required": ["field", "code", "message"],
                    },
                },
            },
            "required": ["code", "message", "fields"],
        },
        "meta": {"$ref": "#/components/schemas/Meta"},
    },
    "required": ["ok", "error", "meta"],
}
_REFUSALS = {
    "400": "The request is malformed.",
    "401": "Not authenticated.",
    "403": "Not allowed.",
    "404": "No such object in this workspace.",
    "405": "The method is not offered here.",
    "406": "Only JSON is offered.",
    "409": "The state does not allow it, or a request with this key is in flight.",
    "413": "The body is too large.",
    "415": "The body's type is not taken here.",
    "422": "Blocked, or an idempotency key was reused.",
    "429": "Too many attempts.",
    "503": "A dependency is down.",
}


class EnvelopeSchema(AutoSchema):
    """Describe headers common to all operations."""

    def get_override_parameters(self) -> list[Any]:
        """Add the workspace to operations inside a brand, and the key to those that write."""
        from drf_spectacular.utils import OpenApiParameter

        from tieback.api.idempotency import UNSAFE
        from tieback.api.views import BrandAPIView

        if not isinstance(self.view, BrandAPIView):
            return []
        workspace = OpenApiParameter(
            "X-Workspace-Id",
            {"type": "string", "format": "uuid"},
            OpenApiParameter.HEADER,
            description="The brand to act for; needed by people who belong to several.",
        )
        if self.method not in UNSAFE or not self.view.keeps_answers:
            return [workspace]
        return [workspace, *_of_the_key()]


def _of_the_key() -> list[Any]:
    """Describe the key of a request, and what tells a repeated answer from a first one."""
    from drf_spectacular.utils import OpenApiParameter

    from tieback.api.idempotency import HEADER, KEY_PATTERN, LONGEST_KEY, REPLAYED

    return [
        OpenApiParameter(
            HEADER,
            {
                "type": "string",
                "pattern": f"^{KEY_PATTERN}$",
                "minLength": 1,
                "maxLength": LONGEST_KEY,
            },
            OpenApiParameter.HEADER,
            description=(
                "New for each request. A request sent again with its key within 24 hours is"
                " answered as it was first, and not run again."
            ),
        ),
        OpenApiParameter(
            REPLAYED,
            {"type": "string", "enum": ["true"]},
            OpenApiParameter.HEADER,
            response=[200, 201, 202],
            description="Sent with an answer that is repeated.",
        ),
    ]


def wrap_in_envelope(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put each successful answer into the envelope and add the refusals."""
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(Meta=_META, Error=_ERROR)
    components["responses"] = {
        f"Refusal{status}": {"description": words, "content": refusal}
        for status, words in _REFUSALS.items()
    }
    for path in result.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                _wrap_answers(operation["responses"])
    return result


def _wrap_answers(responses: dict[str, Any]) -> None:
    for status, answer in responses.items():
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content:
            content["schema"] = {
                "type": "object",
                "properties": {
                    "ok": {"type": "boolean", "enum": [True]},
                    "data": content["schema"],
                    "meta": {"$ref": "#/components/schemas/Meta"},
                },
                "required": ["ok", "data", "meta"],
            }
    for status in _REFUSALS:
        responses.setdefault(status, {"$ref": f"#/components/responses/Refusal{status}"})


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """``X-Api-Key`` in the schema."""

    target_class = "tieback.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


class JwtScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The bearer token in the schema."""

    target_class = "tieback.api.authentication.JwtAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session cookie in the schema."""

    target_class = "tieback.api.authentication.SessionAuthentication"
    name = "Session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "tieback_web_session"}
