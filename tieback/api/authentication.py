"""Ways to prove who is asking: API key, bearer token, or the session of a signed-in person."""

import re
from typing import Any

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from tieback.api import tokens
from tieback.api.principal import Machine
from tieback.brands.credentials import FoundCredential, find_credential, mark_used

_API_KEY = re.compile(r"(mk_live_[A-Za-z0-9]{8,32})\.([\x21-\x7e]{16,128})")


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """``X-Api-Key: <id>.<secret>``."""

    def authenticate(self, request: Request) -> tuple[Machine, FoundCredential] | None:
        """Return the machine and its credential; no header, no opinion."""
        given = request.headers.get("X-Api-Key")
        if given is None:
            return None
        parts = _API_KEY.fullmatch(given.strip())
        found = find_credential(*parts.groups()) if parts else None
        if found is None:
            raise exceptions.AuthenticationFailed(
                "The API key is unknown, expired or revoked. Send X-Api-Key: <id>.<secret>."
            )
        mark_used(found)
        return Machine(found.id, found.brand_id, found.scopes), found

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in ``WWW-Authenticate``."""
        return 'Bearer realm="tieback"'


class JwtAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer <access token>``."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        """Return the person the token was issued to; no bearer token, no opinion."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        user = tokens.user_of(token.strip(), kind="access")
        if user is None:
            raise exceptions.AuthenticationFailed(
                "The access token is invalid or has expired. Get a new one at /api/v1/auth/token/."
            )
        return user, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in ``WWW-Authenticate``."""
        return 'Bearer realm="tieback"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie of a person who signed in; unsafe methods need the CSRF token."""

    def enforce_csrf(self, request: Request) -> None:
        """Refuse an unsafe request without its CSRF token, without naming internals."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise exceptions.PermissionDenied(
                "The CSRF token is missing or wrong. Send it as X-CSRFToken."
            ) from error
