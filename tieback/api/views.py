"""The base of every API view that acts inside a brand."""

from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api.principal import Machine, Principal
from tieback.brands.credentials import mark_used
from tieback.brands.models import Membership
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import brand_scope, user_scope
from tieback.errors import FieldError, Forbidden, NotFound, ValidationFailed


class UnknownWorkspace(NotFound):
    """There is no such workspace, or you are not a member of it."""

    code = "WORKSPACE_NOT_FOUND"


class BrandAPIView(GenericAPIView[Any]):
    """Authenticate, enter the brand, check the permission, run, and leave.

    The brand's transaction spans the handler: an answer of 400 or above rolls it back, so an
    error answer has written nothing; the commit hooks run before the answer is rendered.
    """

    #: The scope each HTTP method needs; a method that is missing here is refused.
    permissions: ClassVar[dict[str, Scope]] = {}
    principal: Principal
    _scopes: ExitStack

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the request inside the caller's brand."""
        with ExitStack() as self._scopes:
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400 and transaction.get_connection().in_atomic_block:
                transaction.set_rollback(True)
        return response

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, settle the brand and enter it."""
        super().perform_authentication(request)
        if not request.user or not request.user.is_authenticated:
            return
        self.principal = self._principal(request)
        self._scopes.enter_context(brand_scope(self.principal.brand_id))
        if request.auth is not None and self.principal.credential_id:
            mark_used(request.auth)

    def check_permissions(self, request: Request) -> None:
        """Refuse a caller whose role or scopes do not cover this method."""
        super().check_permissions(request)
        needed = self.permissions.get(request.method or "")
        if needed is None:
            if request.method in {"OPTIONS"}:
                return
            self.http_method_not_allowed(request)
            return
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
        with user_scope(user.pk):
            rows = list(Membership.objects.filter(user=user).values_list("brand_id", "role")[:2]
                        if wanted is None
                        else Membership.objects.filter(user=user, brand_id=wanted)
                        .values_list("brand_id", "role"))
        if wanted is None and len(rows) != 1:
            raise ValidationFailed(
                fields=(
                    FieldError(
                        "X-Workspace-Id", "REQUIRED", "Name the brand you act for in this header."
                    ),
                )
            )
        if not rows:
            raise UnknownWorkspace
        brand_id, role = rows[0]
        return Principal(
            brand_id=brand_id, actor=f"user:{user.pk}", user_id=user.pk, role=Role(role)
        )


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
