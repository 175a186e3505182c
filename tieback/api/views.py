"""The base of every API view that acts inside a brand."""

from contextlib import ExitStack
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ClassVar, cast
from uuid import UUID

import structlog
from django.db import transaction
from rest_framework import exceptions
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tieback.api import idempotency
from tieback.api.envelope import unavailable
from tieback.api.principal import Machine, Principal
from tieback.api.throttles import count_request
from tieback.brands.models import User
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import brand_scope, memberships_of
from tieback.broken_lines import MAYBE_OF_THE_LINE, line_broke
from tieback.errors import FieldError, Forbidden, NotFound, ValidationFailed

log = structlog.get_logger(__name__)


class UnknownWorkspace(NotFound):
    """There is no such workspace, or you are not a member of it."""

    code = "WORKSPACE_NOT_FOUND"


class NeverStored(APIView):
    """A view whose answers no cache keeps, and whose callers are counted: each is one's own."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Add the header to every answer, errors included."""
        return {**super().default_response_headers, "Cache-Control": "no-store"}

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, and count the request before it costs anything more."""
        super().perform_authentication(request)
        count_request(request)


class BrandAPIView(NeverStored, GenericAPIView[Any]):
    """Authenticate, enter the brand, check the permission, run, and leave.

    The brand's transaction spans the handler: an answer of 400 or above rolls it back, so an
    error answer has written nothing; the commit hooks run before the answer is rendered.

    A request that changes something may carry an ``Idempotency-Key``: sent again, it is answered
    with what it was answered first (tieback/api/idempotency.py). Views need no code for that.
    """

    #: The scope each HTTP method needs; a method that is missing here is refused. HEAD is a GET.
    permissions: ClassVar[dict[str, Scope]] = {}
    #: False where nothing is written, or where keys are kept by other means.
    keeps_answers: ClassVar[bool] = True
    #: How long an answer is repeated; shorter where what it says ends sooner.
    answers_live: ClassVar[timedelta] = idempotency.LIFETIME
    #: Fields that a repeated answer leaves out, and that are never stored.
    shown_once: ClassVar[frozenset[str]] = idempotency.SHOWN_ONCE
    principal: Principal
    _scopes: ExitStack
    _entered = False
    _keyed: idempotency.KeyedRequest | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the request inside the caller's brand."""
        try:
            with ExitStack() as self._scopes:
                response = super().dispatch(request, *args, **kwargs)
                if response.status_code >= HTTPStatus.BAD_REQUEST and self._entered:
                    transaction.set_rollback(True)
                elif self._keyed is not None and isinstance(response, Response):
                    self._keyed.keep(
                        response, lifetime=self.answers_live, shown_once=self.shown_once
                    )
        except MAYBE_OF_THE_LINE as error:
            if not line_broke(error):
                raise
            # Raised by the commit, after the handler: whether it took place is not known here.
            log.exception("commit_failed")
            return unavailable(request)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the request, enter the brand, then see whether it was answered before.

        The body is read first: a slow sender must not hold a transaction open.
        """
        super().initial(request, *args, **kwargs)
        if request.method in idempotency.UNSAFE:
            _ = request.data
        self._scopes.enter_context(brand_scope(self.principal.brand_id))
        self._entered = True
        if self.keeps_answers and request.method in idempotency.UNSAFE:
            self._keyed = idempotency.admit(request, self.principal)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an exception; an earlier answer is one, too."""
        if isinstance(exc, idempotency.Replay):
            return exc.response
        return super().handle_exception(exc)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, and settle the brand."""
        super().perform_authentication(request)
        if request.user and request.user.is_authenticated:
            self.principal = self._principal(request)

    def check_permissions(self, request: Request) -> None:
        """Refuse a caller whose role or scopes do not cover this method."""
        super().check_permissions(request)
        if request.method == "OPTIONS":
            return
        method = "GET" if request.method == "HEAD" else request.method
        needed = self.permissions.get(method or "")
        if needed is None:
            raise exceptions.MethodNotAllowed(request.method or "")
        if not self.principal.may(needed):
            raise Forbidden(f"This needs the scope {needed.value}, or a role that includes it.")

    def _principal(self, request: Request) -> Principal:
        wanted = _wanted_workspace(request)
        user = request.user
        if isinstance(user, Machine):
            if wanted not in {None, user.brand_id}:
                raise UnknownWorkspace
            return Principal(
                brand_id=user.brand_id,
                actor=f"credential:{user.credential_id}",
                credential_id=user.credential_id,
                scopes=user.scopes,
            )
        return _member(cast("User", user), wanted)


def _member(user: User, wanted: UUID | None) -> Principal:
    rows = memberships_of(user.pk, brand_id=wanted, most=2)
    if not rows:
        raise UnknownWorkspace
    if len(rows) > 1:
        message = "You belong to several brands: name the one you act for in this header."
        raise ValidationFailed(fields=(FieldError("X-Workspace-Id", "REQUIRED", message),))
    brand_id, role = rows[0]
    return Principal(brand_id=brand_id, actor=f"user:{user.pk}", user_id=user.pk, role=Role(role))


def _wanted_workspace(request: Request) -> UUID | None:
    given = request.headers.get("X-Workspace-Id")
    if given is None:
        return None
    try:
        return UUID(given.strip())
    except ValueError as error:
        raise ValidationFailed(
            fields=(FieldError("X-Workspace-Id", "INVALID", "Must be a brand's UUID."),)
        ) from error


def enveloped(data: Any, *, status: int = 200, **meta: Any) -> Response:
    """Answer with ``data`` and additional ``meta``."""
    response = Response(data, status=status)
    response.meta = meta  # type: ignore[attr-defined]
    return response
