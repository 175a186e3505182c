"""``manage.py create_operator``: safe to run again, and no weak password."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tieback.brands.models import AuditEntry, User
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.plane("console"), pytest.mark.django_db]

EMAIL = "operator@tieback.example"
PASSWORD = "harbour-lantern-92"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OPERATOR_PASSWORD", PASSWORD)
    return monkeypatch


def run(email: str = EMAIL, *, reset: bool = False) -> str:
    said = io.StringIO()
    call_command(
        "create_operator",
        email=email,
        password_env="OPERATOR_PASSWORD",
        reset=reset,
        stdout=said,
    )
    return said.getvalue()


def actions() -> list[str]:
    with all_brands():
        return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_it_makes_an_operator_with_the_given_password() -> None:
    assert "created" in run()
    user = User.objects.get(email=EMAIL)
    assert user.is_staff
    assert user.is_superuser
    assert user.check_password(PASSWORD)
    assert actions() == ["operator.created"]


def test_running_it_again_changes_nothing_even_without_a_password(
    given: pytest.MonkeyPatch,
) -> None:
    run()
    given.delenv("OPERATOR_PASSWORD")
    assert "unchanged" in run("Operator@Tieback.example")
    assert User.objects.get().check_password(PASSWORD)
    assert actions() == ["operator.created"]


def test_a_known_operator_keeps_their_password(given: pytest.MonkeyPatch) -> None:
    run()
    given.setenv("OPERATOR_PASSWORD", "lantern-harbour-29")
    run()
    assert User.objects.get().check_password(PASSWORD)


def test_reset_sets_the_password_anew(given: pytest.MonkeyPatch) -> None:
    run()
    given.setenv("OPERATOR_PASSWORD", "lantern-harbour-29")
    assert "password reset" in run(reset=True)
    assert User.objects.get().check_password("lantern-harbour-29")
    assert actions() == ["operator.created", "operator.password_reset"]


def test_a_known_person_is_promoted_and_keeps_their_password() -> None:
    User.objects.create_user(EMAIL, "their own secret")
    assert "promoted" in run()
    user = User.objects.get()
    assert user.is_superuser
    assert user.check_password("their own secret")


def test_an_absent_password_is_refused(given: pytest.MonkeyPatch) -> None:
    given.delenv("OPERATOR_PASSWORD")
    with pytest.raises(CommandError, match="neither OPERATOR_PASSWORD nor OPERATOR_PASSWORD_FILE"):
        run()
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "password123", "8471029384", "operator@tieback"])
def test_a_weak_password_is_refused(given: pytest.MonkeyPatch, password: str) -> None:
    given.setenv("OPERATOR_PASSWORD", password)
    with pytest.raises(CommandError, match=r"--password-env: the password .* is weak"):
        run()
    assert not User.objects.exists()
    assert actions() == []


def test_a_weak_password_is_refused_on_reset_too(given: pytest.MonkeyPatch) -> None:
    run()
    given.setenv("OPERATOR_PASSWORD", "short")
    with pytest.raises(CommandError, match="is weak"):
        run(reset=True)
    assert User.objects.get().check_password(PASSWORD)


def test_the_password_may_come_from_a_file(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    given.delenv("OPERATOR_PASSWORD")
    given.setenv("OPERATOR_PASSWORD_FILE", str(file))
    run()
    assert User.objects.get().check_password(PASSWORD)


def test_a_missing_password_file_is_told(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given.setenv("OPERATOR_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(CommandError, match="cannot read the file of OPERATOR_PASSWORD_FILE"):
        run()


def test_a_bad_address_is_refused() -> None:
    with pytest.raises(CommandError, match="--email: 'operator' is not an e-mail address"):
        run("operator")


@pytest.mark.parametrize("command", ["changepassword", "createsuperuser"])
def test_the_commands_that_would_leave_no_trace_are_refused(command: str) -> None:
    refused = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{command} is not audited: use create_operator")
