"""Proving who one is: API key, token, session; and which brand one acts for."""

import base64
import hashlib
import json
import re
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings as django_settings
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import BrandWorld
from tieback.api import tokens
from tieback.brands.credentials import IssuedCredential, issue_credential
from tieback.brands.models import ApiCredential, Membership, User
from tieback.brands.roles import Role
from tieback.brands.scoping import brand_scope

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/mint-jobs/"
ME = "/api/v1/me/"
TOKEN = "/api/v1/auth/token/"
REFRESH = "/api/v1/auth/token/refresh/"
SESSION = "/api/v1/auth/session/"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """A password's cost is Django's business, and these tests check many."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(nordhav: BrandWorld) -> User:
    """The owner, with a password."""
    owner = nordhav.people[Role.OWNER]
    owner.set_password(PASSWORD)
    owner.save(update_fields=["password"])
    return owner


@pytest.fixture
def credential(nordhav: BrandWorld) -> IssuedCredential:
    with brand_scope(nordhav.brand.id):
        return issue_credential(brand_id=nordhav.brand.id, name="machine")


def ask(path: str = JOBS, **headers: str):
    return APIClient(headers={k.replace("_", "-"): v for k, v in headers.items()}).get(path)


def bearer(token: str, path: str = JOBS, **headers: str):
    return ask(path, Authorization=f"Bearer {token}", **headers)


def post(path: str, body: object, **headers: str):
    client = APIClient(headers={k.replace("_", "-"): v for k, v in headers.items()})
    return client.post(path, body, format="json")


def error(response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def change(credential: IssuedCredential, world: BrandWorld, **fields: object) -> None:
    with brand_scope(world.brand.id):
        ApiCredential.objects.filter(id=credential.id).update(**fields)


# API keys --------------------------------------------------------------------------------------


def test_an_api_key_opens_its_brand(credential):
    assert ask(X_Api_Key=credential.header).status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.replace("mk_live_", "mk_live_x", 1),
        lambda key: key.partition(".")[0],
        lambda key: key.partition(".")[2],
        lambda key: key.replace(".", ":", 1),
        lambda key: f"{key}.more",
        lambda key: key + "\u00e9",
        lambda key: "",
        lambda key: "x" * 10_000,
    ],
    ids=["secret", "id", "id only", "secret only", "colon", "longer", "not ascii", "empty", "huge"],
)
def test_a_wrong_or_malformed_api_key_is_refused_alike(credential, spoil):
    response = ask(X_Api_Key=spoil(credential.header))
    assert error(response) == (401, "UNAUTHENTICATED")
    assert response.json()["error"]["message"].startswith("The API key is unknown, expired or")
    assert response["WWW-Authenticate"] == 'Bearer realm="tieback"'


def test_a_revoked_api_key_is_refused(credential, nordhav):
    change(credential, nordhav, revoked_at=timezone.now())
    assert error(ask(X_Api_Key=credential.header)) == (401, "UNAUTHENTICATED")


def test_an_expired_api_key_is_refused(nordhav):
    with brand_scope(nordhav.brand.id):
        ended = issue_credential(
            brand_id=nordhav.brand.id,
            name="ended",
            expires_at=timezone.now() - timedelta(seconds=1),
        )
        lasting = issue_credential(
            brand_id=nordhav.brand.id,
            name="lasting",
            expires_at=timezone.now() + timedelta(minutes=1),
        )
    assert error(ask(X_Api_Key=ended.header)) == (401, "UNAUTHENTICATED")
    assert ask(X_Api_Key=lasting.header).status_code == 200


def test_a_key_is_asked_for_even_where_a_session_would_do(client, person):
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    assert client.get(ME).status_code == 200
    assert client.get(ME, headers={"X-Api-Key": "nonsense"}).status_code == 401


def test_use_is_noted_also_where_the_request_fails_and_once_a_minute(credential, nordhav):
    def used():
        with brand_scope(nordhav.brand.id):
            return ApiCredential.objects.get(id=credential.id).last_used_at

    assert used() is None
    assert ask(f"{JOBS}?page_size=0", X_Api_Key=credential.header).status_code == 400
    first = used()
    assert first is not None
    change(credential, nordhav, last_used_at=timezone.now() - timedelta(seconds=30))
    recent = used()
    ask(X_Api_Key=credential.header)
    assert used() == recent
    change(credential, nordhav, last_used_at=timezone.now() - timedelta(seconds=90))
    ask(X_Api_Key=credential.header)
    assert used() > recent


def test_a_refused_key_is_not_noted_as_used(credential, nordhav):
    ask(X_Api_Key=credential.header + "x")
    with brand_scope(nordhav.brand.id):
        assert ApiCredential.objects.get(id=credential.id).last_used_at is None


# Tokens ----------------------------------------------------------------------------------------


def test_a_password_is_exchanged_for_tokens_that_open_the_brand(person):
    response = post(TOKEN, {"email": person.email.upper(), "password": PASSWORD})
    pair = response.json()["data"]
    assert (pair.keys(), pair["expires_in"]) == ({"access", "refresh", "expires_in"}, 900)
    assert response["Cache-Control"] == "no-store"
    assert bearer(pair["access"]).status_code == 200


@pytest.mark.parametrize("email", ["known", "nobody@nordhav.example"])
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(person, email):
    given = {"email": person.email if email == "known" else email, "password": "wrong"}
    response = post(TOKEN, given)
    assert error(response) == (401, "UNAUTHENTICATED")
    assert response.json()["error"]["message"] == "E-mail address or password is wrong."


def test_a_person_who_was_shut_out_gets_no_token_and_loses_theirs(nordhav):
    gone = User.objects.create_user("gone@nordhav.example", PASSWORD, is_active=False)
    join(gone, nordhav, Role.OWNER)
    pair = tokens.issue(gone)
    assert error(post(TOKEN, {"email": gone.email, "password": PASSWORD}))[0] == 401
    assert error(bearer(pair["access"]))[0] == 401
    assert error(post(REFRESH, {"refresh": pair["refresh"]}))[0] == 401


def signed(person: User, *, key: str | None = None, algorithm: str = "HS256", **changes: object):
    """Return an access token with some of its claims changed; ``None`` takes one away."""
    claims = jwt.decode(tokens.issue(person)["access"], options={"verify_signature": False})
    claims = {k: v for k, v in (claims | changes).items() if v is not None}
    return jwt.encode(claims, key or django_settings.SECRET_KEY, algorithm=algorithm)


def unsigned(person: User) -> str:
    """Return a token that says it needs no signature."""
    _, claims, _ = tokens.issue(person)["access"].split(".")
    header = json.dumps({"alg": "none", "typ": "JWT"}).encode()
    return f"{base64.urlsafe_b64encode(header).decode().rstrip('=')}.{claims}."


def with_other_claims(person: User, other: User) -> str:
    """Return one person's token with another's claims under its signature."""
    header, _, signature = tokens.issue(person)["access"].split(".")
    return ".".join((header, tokens.issue(other)["access"].split(".")[1], signature))


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        lambda person: signed(person, key="x" * 64),
        lambda person: signed(person, algorithm="HS384"),
        lambda person: signed(person, exp=timezone.now() - timedelta(seconds=1)),
        lambda person: signed(person, exp=None),
        lambda person: signed(person, pwd=None),
        lambda person: signed(person, use="refresh"),
        lambda person: signed(person, use="anything"),
        lambda person: signed(person, iss="elsewhere"),
        lambda person: signed(person, sub="0"),
        lambda person: signed(person, sub="-1"),
        lambda person: signed(person, sub="1 or true"),
        lambda person: signed(person, sub="9" * 400),
        lambda person: tokens.issue(person)["access"][:-2],
        lambda person: tokens.issue(person)["access"] + "\u00e9",
        lambda person: "a.b.c",
        lambda person: "",
    ],
    ids=[
        "alg none", "other key", "other algorithm", "expired", "never expires", "no stamp",
        "refresh as access", "unknown use", "other issuer", "no such person", "negative", "text",
        "huge number", "cut", "not ascii", "nonsense", "empty",
    ],
)  # fmt: skip
def test_a_forged_or_ended_token_is_refused_alike(person, forge):
    response = bearer(forge(person))
    assert error(response) == (401, "UNAUTHENTICATED")
    assert response.json()["error"]["message"].startswith("The access token is invalid or has")


def test_a_token_with_anothers_claims_is_refused(person, nordhav):
    assert bearer(with_other_claims(nordhav.people[Role.VIEWER], person)).status_code == 401


def test_a_token_ends_after_its_minutes(person):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        access = tokens.issue(person)["access"]
        clock.shift(timedelta(minutes=14, seconds=59))
        assert tokens.user_of(access, kind="access") == person
        clock.shift(timedelta(seconds=2))
        assert tokens.user_of(access, kind="access") is None


def test_a_changed_password_ends_every_token(person):
    pair = tokens.issue(person)
    person.set_password("another password altogether")
    person.save(update_fields=["password"])
    assert bearer(pair["access"]).status_code == 401
    assert post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401


def test_a_refresh_token_gets_a_new_pair_and_opens_nothing_itself(person):
    pair = tokens.issue(person)
    assert bearer(pair["refresh"]).status_code == 401
    renewed = post(REFRESH, {"refresh": pair["refresh"]}).json()["data"]
    assert bearer(renewed["access"]).status_code == 200
    assert error(post(REFRESH, {"refresh": pair["access"]})) == (401, "UNAUTHENTICATED")


def test_a_token_of_the_previous_key_lives_on_while_that_key_is_kept(person, settings):
    access = tokens.issue(person)["access"]
    previous, settings.SECRET_KEY = settings.SECRET_KEY, "a new key " + "0123456789" * 5
    assert bearer(access).status_code == 401
    settings.SECRET_KEY_FALLBACKS = [previous]
    assert bearer(access).status_code == 200


# Sessions --------------------------------------------------------------------------------------


@pytest.fixture
def browser() -> APIClient:
    return APIClient(enforce_csrf_checks=True)


def csrf(browser: APIClient) -> dict[str, str]:
    """Load a page, as a browser would, and return the header its forms send."""
    page = browser.get("/accounts/login/")
    return {"X-CSRFToken": str(page.context["csrf_token"])}


def sign_in(browser: APIClient, person: User, headers: dict[str, str]):
    body = {"email": person.email, "password": PASSWORD}
    return browser.post(SESSION, body, format="json", headers=headers)


def test_a_session_begins_with_the_csrf_token_and_opens_the_brand(browser, person):
    assert sign_in(browser, person, csrf(browser)).status_code == 204
    cookie = browser.cookies[django_settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert browser.get(JOBS).status_code == 200


def test_a_session_does_not_begin_without_the_csrf_token(browser, person):
    response = sign_in(browser, person, {})
    assert error(response) == (403, "FORBIDDEN")
    assert django_settings.SESSION_COOKIE_NAME not in browser.cookies


def test_a_session_changes_nothing_without_the_csrf_token(browser, person):
    sign_in(browser, person, csrf(browser))
    body = {"name": "made in a page", "scopes": ["mints:read"]}
    refused = browser.post("/api/v1/api-credentials/", body, format="json")
    assert error(refused) == (403, "FORBIDDEN")
    assert refused.json()["error"]["message"].startswith("The CSRF token is missing or wrong")
    headers = {"X-CSRFToken": browser.cookies[django_settings.CSRF_COOKIE_NAME].value}
    made = browser.post("/api/v1/api-credentials/", body, format="json", headers=headers)
    assert made.status_code == 201


def test_signing_in_makes_a_new_session(browser, person):
    headers = csrf(browser)
    browser.cookies[django_settings.SESSION_COOKIE_NAME] = "chosen-by-somebody-else-0123456789"
    sign_in(browser, person, headers)
    assert (
        browser.cookies[django_settings.SESSION_COOKIE_NAME].value
        != "chosen-by-somebody-else-0123456789"
    )


def test_a_session_ends_at_sign_out(browser, person):
    sign_in(browser, person, csrf(browser))
    headers = {"X-CSRFToken": browser.cookies[django_settings.CSRF_COOKIE_NAME].value}
    assert browser.delete(SESSION, headers=headers).status_code == 204
    assert browser.get(JOBS).status_code == 401


def test_the_sign_in_page_signs_in_and_goes_nowhere_else(client, person):
    given = {"username": person.email, "password": PASSWORD, "next": "https://evil.example/"}
    response = client.post("/accounts/login/", given)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert person.email in client.get("/").content.decode()


def test_the_sign_in_page_says_no_more_than_that_it_was_wrong(client, person):
    for email in (person.email, "nobody@nordhav.example"):
        response = client.post("/accounts/login/", {"username": email, "password": "wrong"})
        assert response.status_code == 200
        assert "E-mail address or password is wrong." in response.content.decode()


def test_the_address_that_was_tried_stays_in_the_form(client, person):
    assert 'value="None"' not in client.get("/accounts/login/").content.decode()
    tried = {"username": '"><b>@nordhav.example', "password": "wrong"}
    page = client.post("/accounts/login/", tried).content.decode()
    assert 'value="&quot;&gt;&lt;b&gt;@nordhav.example"' in page
    assert "wrong" not in re.sub("password is wrong", "", page)


# Lock-out --------------------------------------------------------------------------------------


def attempts(person: User, count: int, **headers: str) -> list[int]:
    given = {"email": person.email, "password": "wrong"}
    return [post(TOKEN, given, **headers).status_code for _ in range(count)]


def test_repeated_failures_lock_the_sign_in_for_a_while(person, settings):
    assert attempts(person, settings.AXES_FAILURE_LIMIT)[:-1] == [401] * 9
    locked = post(TOKEN, {"email": person.email, "password": PASSWORD})
    assert error(locked) == (429, "TOO_MANY_REQUESTS")
    with time_machine.travel(timezone.now() + settings.AXES_COOLOFF_TIME, tick=False):
        assert post(TOKEN, {"email": person.email, "password": PASSWORD}).status_code == 200


def test_a_lock_out_holds_for_every_way_to_sign_in(person, browser, client, settings):
    attempts(person, settings.AXES_FAILURE_LIMIT)
    assert sign_in(browser, person, csrf(browser)).status_code == 429
    page = client.post("/accounts/login/", {"username": person.email, "password": PASSWORD})
    assert page.status_code == 429


def test_a_lock_out_says_how_long_it_holds_and_leads_back(person, client, settings):
    attempts(person, settings.AXES_FAILURE_LIMIT)
    given = {"username": person.email, "password": PASSWORD}
    page = client.post("/accounts/login/?next=/", given)
    assert page.headers["Retry-After"] == "900"
    assert "Too many attempts; try again in 15 minutes." in page.content.decode()
    assert '<a href="/accounts/login/?next=/">' in page.content.decode()
    told = post(TOKEN, {"email": person.email, "password": PASSWORD})
    assert told.headers["Retry-After"] == "900"


def test_another_spelling_or_a_claimed_address_does_not_escape_the_lock_out(person, settings):
    attempts(person, settings.AXES_FAILURE_LIMIT)
    right = {"email": person.email.upper(), "password": PASSWORD}
    assert post(TOKEN, right, X_Forwarded_For="203.0.113.7").status_code == 429


def test_a_lock_out_is_of_one_person_and_spares_the_others(person, nordhav, settings):
    attempts(person, settings.AXES_FAILURE_LIMIT)
    other = nordhav.people[Role.ADMIN]
    other.set_password(PASSWORD)
    other.save(update_fields=["password"])
    assert post(TOKEN, {"email": other.email, "password": PASSWORD}).status_code == 200


def test_success_forgets_the_failures_before_it(person, settings):
    few = settings.AXES_FAILURE_LIMIT - 1
    attempts(person, few)
    assert post(TOKEN, {"email": person.email, "password": PASSWORD}).status_code == 200
    assert attempts(person, few) == [401] * few


# Which brand -----------------------------------------------------------------------------------


def join(person: User, world: BrandWorld, role: Role) -> None:
    with brand_scope(world.brand.id):
        Membership.objects.create(brand=world.brand, user=person, role=role)


def test_a_member_of_one_brand_need_not_name_it(person, nordhav):
    access = tokens.issue(person)["access"]
    assert bearer(access).status_code == 200
    assert bearer(access, X_Workspace_Id=str(nordhav.brand.id)).status_code == 200


def test_a_member_of_several_brands_must_name_one_and_has_its_role(person, nordhav, strangers):
    join(person, strangers, Role.VIEWER)
    access = tokens.issue(person)["access"]
    response = bearer(access)
    assert error(response) == (400, "VALIDATION_ERROR")
    assert response.json()["error"]["fields"][0]["field"] == "X-Workspace-Id"
    path = "/api/v1/api-credentials/"
    assert bearer(access, path, X_Workspace_Id=str(nordhav.brand.id)).status_code == 200
    assert bearer(access, path, X_Workspace_Id=str(strangers.brand.id)).status_code == 403
    listed = [row["id"] for row in bearer(access, ME).json()["data"]["workspaces"]]
    assert listed == [str(nordhav.brand.id), str(strangers.brand.id)]


def test_a_person_of_no_brand_finds_none(db):
    access = tokens.issue(User.objects.create_user("alone@nowhere.example"))["access"]
    assert error(bearer(access)) == (404, "WORKSPACE_NOT_FOUND")
    assert bearer(access, ME).json()["data"]["workspaces"] == []


def test_a_brand_one_does_not_belong_to_is_not_found(person, credential, strangers):
    workspace = {"X_Workspace_Id": str(strangers.brand.id)}
    assert error(bearer(tokens.issue(person)["access"], **workspace)) == (
        404,
        "WORKSPACE_NOT_FOUND",
    )
    assert error(ask(X_Api_Key=credential.header, **workspace)) == (404, "WORKSPACE_NOT_FOUND")


@pytest.mark.parametrize("value", ["nordhav", "", "1", "\u00e9", "0" * 33])
def test_a_malformed_workspace_is_named(credential, value):
    response = ask(X_Api_Key=credential.header, X_Workspace_Id=value)
    assert error(response) == (400, "VALIDATION_ERROR")
    assert response.json()["error"]["fields"][0]["field"] == "X-Workspace-Id"


def test_a_machine_learns_who_it_is(credential, nordhav):
    data = ask(ME, X_Api_Key=credential.header).json()["data"]
    assert (data["credential_id"], data["email"]) == (credential.id, None)
    assert [(row["slug"], row["name"]) for row in data["workspaces"]] == [
        (nordhav.brand.slug, nordhav.brand.name)
    ]


def test_secrets_are_kept_as_hashes_only(credential, nordhav):
    with brand_scope(nordhav.brand.id):
        row = ApiCredential.objects.values().get(id=credential.id)
    assert bytes(row.pop("secret_sha256")) == hashlib.sha256(credential.secret.encode()).digest()
    assert credential.secret not in str(row)
