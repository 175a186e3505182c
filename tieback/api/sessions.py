"""Signing in: a token pair for API callers, a session cookie for pages, and who one is."""

from typing import Any, cast

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.signals import user_logged_in
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tieback.api import tokens
from tieback.api.fields import StrictSerializer, StrictTextField
from tieback.api.principal import Machine
from tieback.api.views import NeverStored
from tieback.brands.models import Brand, Membership, User
from tieback.brands.scoping import brand_scope, user_scope


class PasswordSerializer(StrictSerializer):
    """E-mail address and password."""

    email = serializers.EmailField(max_length=254)
    password = StrictTextField(max_length=256, trim_whitespace=False)


class RefreshSerializer(StrictSerializer):
    """A refresh token."""

    refresh = StrictTextField(max_length=2048)


class TokenPairSerializer(serializers.Serializer[Any]):
    """An access token, a refresh token and the access token's lifetime."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds the access token lives.")


class WorkspaceSerializer(serializers.Serializer[Any]):
    """A brand the caller may act for."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField(allow_null=True)


class MeSerializer(serializers.Serializer[Any]):
    """The caller and their brands."""

    email = serializers.CharField(allow_null=True)
    credential_id = serializers.CharField(allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField())
    workspaces = WorkspaceSerializer(many=True)


def _sign_in(request: Request) -> User:
    given = PasswordSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    user = authenticate(
        request._request,  # noqa: SLF001 - Django signs people in on its own request
        username=given.validated_data["email"].lower(),
        password=given.validated_data["password"],
    )
    if not isinstance(user, User):
        raise exceptions.AuthenticationFailed("E-mail address or password is wrong.")
    return user


class _PublicView(NeverStored):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        """Name the scheme in ``WWW-Authenticate`` of a failed sign-in."""
        return 'Bearer realm="tieback"'


class TokenView(_PublicView):
    """Exchange e-mail address and password for tokens."""

    @extend_schema(
        operation_id="create_token", request=PasswordSerializer, responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """Return an access token and a refresh token."""
        user = _sign_in(request)
        # Notes the time, and ends the count of failed attempts, as signing in to a page does.
        user_logged_in.send(User, request=request._request, user=user)  # noqa: SLF001 - as above
        return Response(tokens.issue(user))


class TokenRefreshView(_PublicView):
    """Exchange a refresh token for a new pair."""

    @extend_schema(
        operation_id="refresh_token", request=RefreshSerializer, responses=TokenPairSerializer
    )
    def post(self, request: Request) -> Response:
        """Return a new pair."""
        given = RefreshSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = tokens.user_of(given.validated_data["refresh"], kind="refresh")
        if user is None:
            raise exceptions.AuthenticationFailed(
                "The refresh token is invalid or has expired. Sign in again."
            )
        return Response(tokens.issue(user))


class SessionView(_PublicView):
    """Start or end a session for pages."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Ask for the CSRF token, but not of a method that is refused anyway."""
        offered = hasattr(self, (request.method or "").lower())
        answer = self._protected if offered else super().dispatch
        return answer(request, *args, **kwargs)

    @method_decorator(csrf_protect)
    def _protected(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(operation_id="create_session", request=PasswordSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign in; the answer sets the session cookie."""
        login(request._request, _sign_in(request))  # noqa: SLF001 - as above
        return Response(status=204)

    @extend_schema(operation_id="delete_session", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Sign out."""
        logout(request._request)  # noqa: SLF001 - as above
        return Response(status=204)


class MeView(NeverStored):
    """Who the caller is and which brands they may act for."""

    @extend_schema(operation_id="get_me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the caller's brands."""
        user = request.user
        if isinstance(user, Machine):
            return Response(MeSerializer(_machine(user)).data)
        return Response(MeSerializer(_person(cast("User", user))).data)


def _person(user: User) -> dict[str, Any]:
    with user_scope(user.pk):
        rows = Membership.objects.filter(user=user).select_related("brand")
        workspaces = [
            {"id": row.brand_id, "slug": row.brand.slug, "name": row.brand.name, "role": row.role}
            for row in rows.order_by("brand__slug")
        ]
    return {"email": user.email, "credential_id": None, "scopes": [], "workspaces": workspaces}


def _machine(user: Machine) -> dict[str, Any]:
    with brand_scope(user.brand_id):
        brand = Brand.objects.get(id=user.brand_id)
    return {
        "email": None,
        "credential_id": user.credential_id,
        "scopes": sorted(user.scopes),
        "workspaces": [{"id": brand.id, "slug": brand.slug, "name": brand.name, "role": None}],
    }
