"""JSON Web Tokens for people who call the API (RFC 7519, HS256 over the secret key)."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import jwt
from django.conf import settings

from tieback.brands.models import User

ALGORITHM = "HS256"
ISSUER = "tieback"


def _keys() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _password_stamp(user: User) -> str:
    """Change with the password, so that a changed password ends every token."""
    return hashlib.sha256(f"tieback.jwt:{user.password}".encode()).hexdigest()[:16]


def issue(user: User) -> dict[str, Any]:
    """Return an access token, a refresh token and the access token's lifetime in seconds."""
    now = datetime.now(UTC)
    claims = {"iss": ISSUER, "sub": str(user.pk), "iat": now, "pwd": _password_stamp(user)}

    def sign(kind: str, lifetime: Any) -> str:
        return jwt.encode(
            {**claims, "use": kind, "exp": now + lifetime}, settings.SECRET_KEY, algorithm=ALGORITHM
        )

    return {
        "access": sign("access", settings.JWT_ACCESS_LIFETIME),
        "refresh": sign("refresh", settings.JWT_REFRESH_LIFETIME),
        "expires_in": int(settings.JWT_ACCESS_LIFETIME.total_seconds()),
    }


def user_of(token: str, *, kind: str) -> User | None:
    """Return the active user a valid token of this kind was issued to, else ``None``."""
    for key in _keys():
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "sub", "use", "pwd"]},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            return None
        if claims["use"] != kind or not str(claims["sub"]).isdecimal():
            return None
        user = User.objects.filter(pk=int(claims["sub"]), is_active=True).first()
        return user if user and claims["pwd"] == _password_stamp(user) else None
    return None
