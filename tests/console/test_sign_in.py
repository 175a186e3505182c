"""Signing in to the console: operators only, and not by guessing."""

from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.console.conftest import PASSWORD
from tieback.brands.models import User

pytestmark = pytest.mark.plane("console")


def sign_in(client: Client, email: str, password: str) -> Any:
    return client.post("/admin/login/?next=/admin/", {"username": email, "password": password})


def test_an_operator_signs_in_with_email_and_password(operator: User) -> None:
    client = Client()
    assert sign_in(client, operator.email.upper(), PASSWORD).status_code == HTTPStatus.FOUND
    assert client.get("/admin/").status_code == HTTPStatus.OK


def test_a_person_who_is_no_operator_is_not_let_in() -> None:
    User.objects.create_user("owner@nordhav.example", PASSWORD)
    client = Client()
    assert sign_in(client, "owner@nordhav.example", PASSWORD).status_code == HTTPStatus.OK
    assert client.get("/admin/").status_code == HTTPStatus.FOUND


def test_guessing_locks_the_account_out_even_for_the_right_password(
    operator: User, settings: Settings
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    guesses = [sign_in(Client(), operator.email, f"guess {n}") for n in range(3)]
    assert guesses[-1].status_code == HTTPStatus.TOO_MANY_REQUESTS
    refused = sign_in(Client(), operator.email, PASSWORD)
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert "Too many attempts" in refused.content.decode()


def test_spelling_the_address_otherwise_gives_no_further_guesses(
    operator: User, settings: Settings
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for spelling in (operator.email, operator.email.upper(), operator.email.title()):
        sign_in(Client(), spelling, "a guess")
    refused = sign_in(Client(), operator.email.swapcase(), PASSWORD)
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_another_operator_is_not_locked_out_along(operator: User, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    User.objects.create_superuser("second@tieback.example", PASSWORD)
    for n in range(3):
        sign_in(Client(), operator.email, f"guess {n}")
    assert sign_in(Client(), "second@tieback.example", PASSWORD).status_code == HTTPStatus.FOUND


def test_signing_out_needs_a_post(console: Client) -> None:
    assert console.get("/admin/logout/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert console.get("/admin/").status_code == HTTPStatus.OK
    console.post("/admin/logout/")
    assert console.get("/admin/").status_code == HTTPStatus.FOUND


def test_an_operator_changes_their_own_password(console: Client, operator: User) -> None:
    console.post(
        "/admin/password_change/",
        {
            "old_password": PASSWORD,
            "new_password1": "lantern-harbour-29",
            "new_password2": "lantern-harbour-29",
        },
    )
    operator.refresh_from_db()
    assert operator.check_password("lantern-harbour-29")


def test_a_change_of_password_is_told_and_a_refused_one_is_not(
    console: Client, operator: User
) -> None:
    for new, told in (("short", 0), ("lantern-harbour-29", 1)):
        body = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        console.post("/admin/password_change/", body)
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from brands_auditentry"
                " where action = 'operator.password_changed' and target_id = %s",
                [str(operator.pk)],
            )
            assert cursor.fetchone() == (told,)
