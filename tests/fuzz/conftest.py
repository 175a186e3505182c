"""What the runs of this folder need: the application, a caller, silence, and a word at the end."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

from tests.platform.conftest import TwoBrands, two_brands
from tests.shares import SEED
from tieback.api import tokens
from tieback.brands.roles import Role

__all__ = ("two_brands",)

CSRF = "a" * 32
SUMMARY = pytest.StashKey[list[str]]()


class Application:
    """The web plane as a server runs it; closes the sessions of whoever called it."""

    def __init__(self) -> None:
        self._application = get_wsgi_application()
        self._sessions: set[Any] = set()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("HTTP_X_CSRFTOKEN"):
            # The token's other half: a client inside the process sends no cookie it was not set.
            given = environ.get("HTTP_COOKIE", "")
            environ["HTTP_COOKIE"] = f"{settings.CSRF_COOKIE_NAME}={CSRF}; {given}".rstrip("; ")
        try:
            return self._application(environ, start_response)
        finally:
            self._sessions.add(connection.connection)

    def close(self) -> None:
        """Close them all: the threads that opened them may be gone."""
        for session in filter(None, self._sessions):
            session.close()


@pytest.fixture
def application(quiet: None) -> Iterator[Application]:
    """The application, which says nothing."""
    application = Application()
    yield application
    application.close()


@pytest.fixture
def owner(two_brands: TwoBrands, settings) -> dict[str, str]:
    """Headers of a brand's owner that last for as long as it takes."""
    settings.JWT_ACCESS_LIFETIME = timedelta(hours=12)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    person = two_brands.own.world.people[Role.OWNER]
    return {
        "Authorization": f"Bearer {tokens.issue(person)['access']}",
        # Signing in to pages asks for this before it looks at anything else.
        "X-CSRFToken": CSRF,
    }


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Callable[[object], None]:
    """Say something in the summary of the run."""
    return lambda told: pytestconfig.stash.setdefault(SUMMARY, []).append(str(told))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what the runs did."""
    for line in config.stash.get(SUMMARY, []):
        terminalreporter.write_line(f"seed {SEED}: {line}")
