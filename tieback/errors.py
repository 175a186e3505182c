"""The errors callers can meet: a stable code, an HTTP status, a sentence that says what to do."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldError:
    """One fault in one field of a request."""

    field: str
    code: str
    message: str
    detail: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape used in ``error.fields``."""
        body: dict[str, Any] = {"field": self.field, "code": self.code, "message": self.message}
        if self.detail is not None:
            body["detail"] = self.detail
        return body


class TiebackError(Exception):
    """Something the caller can act on. The message defaults to the class's docstring."""

    code = "ERROR"
    status = 400
    retry_after: int | None = None

    def __init__(self, message: str | None = None, *, fields: tuple[FieldError, ...] = ()) -> None:
        """Take the sentence shown to the caller and the faults by field."""
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.fields = fields
        super().__init__(self.message)


class ValidationFailed(TiebackError):
    """The request is malformed; every faulty field is listed."""

    code = "VALIDATION_ERROR"


class NotFound(TiebackError):
    """There is no such object in this workspace."""

    code = "NOT_FOUND"
    status = 404


class Forbidden(TiebackError):
    """Your role or the credential's scopes do not allow this."""

    code = "FORBIDDEN"
    status = 403


class BodyTooLarge(TiebackError):
    """The request's body is larger than this endpoint takes."""

    code = "BODY_TOO_LARGE"
    status = 413


class Conflict(TiebackError):
    """The object's state does not allow this."""

    code = "CONFLICT"
    status = 409


class Unavailable(TiebackError):
    """A service this depends on is not reachable; try again."""

    code = "UNAVAILABLE"
    status = 503
    retry_after = 5


class TransientError(Exception):
    """An outside service failed in a way that a later attempt may not meet."""


class PermanentError(Exception):
    """An outside service refused in a way that no later attempt will change."""


class Missing(PermanentError):
    """An outside service answered, and does not have what it was asked for."""
