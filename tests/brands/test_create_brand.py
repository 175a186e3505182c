"""``manage.py create_brand``: everything or nothing, secrets shown once."""

import io
import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tieback.brands import onboarding
from tieback.brands.models import ApiCredential, AuditEntry, Brand, Membership, User
from tieback.brands.roles import DEFAULT_SCOPES, Role
from tieback.brands.scoping import all_brands

pytestmark = [pytest.mark.plane("console"), pytest.mark.django_db]

OPTIONS: dict[str, Any] = {
    "slug": "nordhav",
    "name": "Nordhav AS",
    "resolver_host": "id.nordhav.example",
    "owner_email": "Owner@Nordhav.example",
    "gs1_prefixes": ["0950600"],
}


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def run(**changed: Any) -> str:
    said = io.StringIO()
    call_command("create_brand", stdout=said, **{**OPTIONS, **changed})
    return said.getvalue()


def made(**changed: Any) -> dict[str, Any]:
    body = json.loads(run(json=True, **changed))
    assert isinstance(body, dict)
    return body


def counts() -> tuple[int, ...]:
    with all_brands():
        tables = (Brand, User, Membership, ApiCredential, AuditEntry)
        return tuple(table._default_manager.count() for table in tables)


def test_it_prints_one_json_object_with_everything_a_caller_needs() -> None:
    body = made()
    assert set(body) == {"brand_id", "slug", "owner", "credential"}
    assert set(body["owner"]) == {"user_id", "email", "password"}
    assert set(body["credential"]) == {"id", "secret", "header", "scopes"}
    assert body["credential"]["header"] == (
        f"{body['credential']['id']}.{body['credential']['secret']}"
    )
    assert sorted(body["credential"]["scopes"]) == sorted(DEFAULT_SCOPES)


def test_the_brand_is_stored_with_its_host_and_prefixes() -> None:
    body = made(gs1_prefixes=["0950600", "4012345", "0950600"])
    brand = Brand.objects.get(pk=body["brand_id"])
    assert (brand.slug, brand.name) == ("nordhav", "Nordhav AS")
    assert brand.resolver_host == "id.nordhav.example"
    assert brand.gs1_prefixes == ["0950600", "4012345"]


def test_the_owner_signs_in_with_the_printed_password() -> None:
    body = made()
    user = User.objects.get(pk=body["owner"]["user_id"])
    assert user.email == body["owner"]["email"] == "owner@nordhav.example"
    assert user.check_password(body["owner"]["password"])
    assert not user.is_staff
    with all_brands():
        membership = Membership.objects.get(user=user)
    assert (str(membership.brand_id), membership.role) == (body["brand_id"], Role.OWNER)


def test_the_printed_credential_opens_the_brand() -> None:
    body = made()
    with all_brands():
        stored = ApiCredential.objects.get(pk=body["credential"]["id"])
    assert str(stored.brand_id) == body["brand_id"]
    assert body["credential"]["secret"].encode() not in bytes(stored.secret_sha256)


def test_a_known_person_becomes_owner_and_keeps_their_password() -> None:
    known = User.objects.create_user("owner@nordhav.example", "their own secret")
    body = made()
    known.refresh_from_db()
    assert body["owner"] == {"user_id": known.pk, "email": known.email, "password": None}
    assert known.check_password("their own secret")
    assert "known already" in run(slug="nordhav-2", resolver_host="2.nordhav.example")


def test_without_json_it_prints_lines_for_people() -> None:
    text = run()
    assert re.search(r"^brand +nordhav  [0-9a-f-]{36}$", text, re.MULTILINE)
    assert re.search(r"^header +X-Api-Key: mk_live_\w+\.ms_live_\S+$", text, re.MULTILINE)
    assert re.search(r"^password +\S{20}$", text, re.MULTILINE)


def test_it_leaves_an_audit_entry_without_any_secret() -> None:
    body = made()
    with all_brands():
        entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("system:create_brand", "brand.created")
    assert (str(entry.brand_id), entry.target_id) == (body["brand_id"], body["brand_id"])
    assert body["credential"]["secret"] not in str(entry.after)


@pytest.mark.parametrize(
    ("option", "changed"),
    [
        ("--slug", {"slug": "Nord hav"}),
        ("--slug", {"slug": "nordhav-"}),
        ("--slug", {"slug": ""}),
        ("--slug", {"slug": "n" * 64}),
        ("--name", {"name": "  "}),
        ("--name", {"name": "n" * 201}),
        ("--name", {"name": "Nord\nhav"}),
        ("--resolver-host", {"resolver_host": "https://id.nordhav.example"}),
        ("--resolver-host", {"resolver_host": "id.nordhav.example/p"}),
        ("--resolver-host", {"resolver_host": "id nordhav"}),
        ("--resolver-host", {"resolver_host": "id.nördhav.example"}),
        ("--resolver-host", {"resolver_host": "localhost:70000"}),
        ("--resolver-host", {"resolver_host": ""}),
        ("--owner-email", {"owner_email": "nobody"}),
        ("--gs1-prefix", {"gs1_prefixes": ["12345"]}),
        ("--gs1-prefix", {"gs1_prefixes": ["1234567890123"]}),
        ("--gs1-prefix", {"gs1_prefixes": ["0950600", "09506o0"]}),
        ("--gs1-prefix", {"gs1_prefixes": ["٠٩٥٠٦٠٠"]}),
    ],
)
def test_a_bad_value_is_refused_by_its_options_name(option: str, changed: dict[str, Any]) -> None:
    with pytest.raises(CommandError) as refused:
        run(**changed)
    assert f"\n{option}: " in str(refused.value)
    assert counts() == (0, 0, 0, 0, 0)


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(CommandError) as refused:
        run(slug="!", resolver_host="a/b", owner_email="x", gs1_prefixes=["1"])
    for option in ("--slug", "--resolver-host", "--owner-email", "--gs1-prefix"):
        assert f"{option}: " in str(refused.value)


def test_a_taken_slug_is_refused_and_nothing_is_written() -> None:
    run()
    before = counts()
    with pytest.raises(CommandError, match="--slug: 'nordhav' is taken"):
        run(owner_email="other@nordhav.example")
    assert counts() == before


def test_a_person_who_may_not_sign_in_cannot_become_owner() -> None:
    User.objects.create_user("owner@nordhav.example", is_active=False)
    with pytest.raises(CommandError, match=r"--owner-email: .* may no longer sign in"):
        run()


@pytest.mark.parametrize("host", ["localhost", "localhost:8001", "ID.Nordhav.Example"])
def test_a_host_may_have_a_port_and_is_stored_in_lower_case(host: str) -> None:
    assert Brand.objects.get(pk=made(resolver_host=host)["brand_id"]).resolver_host == host.lower()


@pytest.mark.django_db(transaction=True)
def test_a_failure_on_the_way_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("no credential today")

    monkeypatch.setattr(onboarding, "issue_credential", broken)
    with pytest.raises(RuntimeError):
        run()
    assert counts() == (0, 0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_host_that_another_brand_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    other = {"slug": "other", "owner_email": "other@nordhav.example"}
    with pytest.raises(CommandError, match="is held by another brand"):
        run(**other)
    monkeypatch.setattr(onboarding, "free_resolver_host", str)
    monkeypatch.setattr(onboarding, "_cleaned", lambda new: new)
    with pytest.raises(CommandError, match="--resolver-host: It was taken just now"):
        run(**other)
    assert Brand.objects.count() == 1


def test_a_slug_taken_while_we_looked_is_told_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run()
    monkeypatch.setattr(onboarding, "_clean_slug", str)
    with pytest.raises(CommandError, match="--slug: It was taken just now"):
        run(owner_email="other@nordhav.example", resolver_host="2.nordhav.example")
    assert not User.objects.filter(email="other@nordhav.example").exists()
