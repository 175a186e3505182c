"""Invitations: shown once, accepted once, ended with their maker, and silent to guessers."""

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from tests.api.people import acting, acts, at_once, client_for, join, member_of, outcome, roles_of
from tests.factories import BrandWorld
from tieback.brands.models import ApiCredential, Invitation, User
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import brand_scope

URL = "/api/v1/invitations/"
ACCEPT = f"{URL}accept/"
PASSWORD = "correct horse battery staple"
GUEST = "guest@elsewhere.example"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def owner(nordhav: BrandWorld) -> APIClient:
    return acting(nordhav, Role.OWNER)


def invite(client: APIClient, email: str = GUEST, role: str = "viewer", **fields: object):
    return client.post(URL, {"email": email, "role": role, **fields})


def token_of(client: APIClient, email: str = GUEST, role: str = "viewer") -> str:
    response = invite(client, email, role)
    assert response.status_code == 201, response.content
    return response.json()["data"]["token"]


def accept(token: str, client: APIClient | None = None, **fields: object):
    return (client or APIClient()).post(ACCEPT, {"token": token, **fields}, format="json")


def known_person(email: str = GUEST) -> User:
    return User.objects.create_user(email, PASSWORD)


# Making them -----------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_kept_as_a_hash(owner, nordhav):
    made = invite(owner, "Guest@Elsewhere.example")
    body = made.json()["data"]
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    assert (body["email"], body["role"], body["state"]) == (GUEST, "viewer", "open")
    assert body["token"] not in owner.get(URL).content.decode()
    with brand_scope(nordhav.brand.id):
        row = Invitation.objects.get()
        assert bytes(row.token_sha256) == hashlib.sha256(body["token"].encode()).digest()
        stored = str(Invitation.objects.values().get()) + str([e.after for e in acts(nordhav)])
    assert body["token"] not in stored


def test_it_lives_seven_days_unless_told_otherwise(owner, nordhav):
    week = timezone.now() + timedelta(days=7)
    told = (timezone.now() + timedelta(hours=1)).isoformat()
    invite(owner)
    invite(owner, "other@elsewhere.example", expires_at=told)
    with brand_scope(nordhav.brand.id):
        ends = dict(Invitation.objects.values_list("email", "expires_at"))
    assert abs(ends[GUEST] - week) < timedelta(minutes=1)
    assert ends["other@elsewhere.example"].isoformat() == told


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"role": "chief"}, "role"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
        ({"token": "chosen"}, "token"),
    ],
)
def test_a_malformed_one_is_refused_by_field(owner, nordhav, fields, field):
    response = owner.post(URL, {"email": GUEST, "role": "viewer", **fields})
    assert outcome(response) == (400, "VALIDATION_ERROR")
    assert field in [fault["field"] for fault in response.json()["error"]["fields"]]
    assert acts(nordhav) == []


def test_an_account_elsewhere_changes_nothing_of_the_answer(owner):
    known_person("known@elsewhere.example")
    one, other = invite(owner, "known@elsewhere.example"), invite(owner, "new@elsewhere.example")
    assert one.status_code == other.status_code == 201
    assert set(one.json()["data"]) == set(other.json()["data"])


def test_a_member_and_an_address_that_is_invited_are_not_invited_again(owner, nordhav):
    member = nordhav.people[Role.EDITOR].email.upper()
    assert outcome(invite(owner, member)) == (409, "ALREADY_A_MEMBER")
    invite(owner)
    assert outcome(invite(owner, GUEST.upper())) == (409, "INVITATION_OPEN")


def test_one_that_has_expired_makes_room_for_another(owner, nordhav):
    token = token_of(owner)
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        fresh = acting(nordhav, Role.OWNER)
        with brand_scope(nordhav.brand.id):
            Invitation.objects.update(expires_at=timezone.now() - timedelta(days=20))
        assert invite(fresh).status_code == 201
    assert outcome(accept(token, password=PASSWORD)) == (403, "INVITATION_REFUSED")
    assert [e.action for e in acts(nordhav)] == [
        "invitation.created", "invitation.revoked", "invitation.created",
    ]  # fmt: skip


def test_only_an_owner_invites_sends_anew_or_revokes_an_owner(owner, nordhav, client_of):
    key = client_of(nordhav, (Scope.MEMBERS_MANAGE.value,))
    admin = acting(nordhav, Role.ADMIN)
    made = invite(owner, role="owner").json()["data"]
    for manager in (admin, key):
        assert outcome(invite(manager, "x@x.example", "owner")) == (403, "OWNERS_ONLY")
        for act in ("resend", "revoke"):
            response = manager.post(f"{URL}{made['id']}/{act}/")
            assert outcome(response) == (403, "OWNERS_ONLY")
    assert owner.post(f"{URL}{made['id']}/resend/").status_code == 200


@pytest.mark.parametrize("role", [Role.APPROVER, Role.EDITOR, Role.VIEWER])
def test_whoever_is_no_manager_neither_invites_nor_sees_invitations(nordhav, role):
    client = acting(nordhav, role)
    assert outcome(invite(client)) == (403, "FORBIDDEN")
    assert outcome(client.get(URL)) == (403, "FORBIDDEN")


def test_a_list_is_narrowed_by_state_role_and_address(owner, nordhav):
    ids = {}
    for state in ("open", "expired", "accepted", "revoked"):
        made = invite(owner, f"{state}@elsewhere.example").json()["data"]
        ids[state] = made["id"]
        if state == "accepted":
            accept(made["token"], password=PASSWORD)
        elif state == "revoked":
            owner.post(f"{URL}{made['id']}/revoke/")
    with brand_scope(nordhav.brand.id):
        ended = Invitation.objects.filter(pk=ids["expired"])
        ended.update(expires_at=timezone.now() - timedelta(hours=1))
    for state, identifier in ids.items():
        for query in (f"state={state}", f"email={state.upper()}@elsewhere.example"):
            (row,) = owner.get(f"{URL}?{query}").json()["data"]
            assert (row["id"], row["state"]) == (identifier, state)
    assert owner.get(f"{URL}?role=owner").json()["data"] == []
    ordered = owner.get(f"{URL}?ordering=expires_at").json()["data"]
    assert ordered[0]["id"] == ids["expired"]


def test_sending_anew_ends_the_old_token_and_opens_an_expired_one(owner, nordhav):
    old = invite(owner).json()["data"]
    with brand_scope(nordhav.brand.id):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    new = owner.post(f"{URL}{old['id']}/resend/").json()["data"]
    assert (new["id"], new["state"]) == (old["id"], "open")
    assert outcome(accept(old["token"], password=PASSWORD)) == (403, "INVITATION_REFUSED")
    assert accept(new["token"], password=PASSWORD).status_code == 200
    assert outcome(owner.post(f"{URL}{old['id']}/resend/")) == (409, "INVITATION_ENDED")


def test_a_revoked_one_opens_nothing_and_stays_revoked(owner, nordhav):
    made = invite(owner).json()["data"]
    first, again = (owner.post(f"{URL}{made['id']}/revoke/") for _ in range(2))
    assert first.json()["data"] == again.json()["data"]
    assert first.json()["data"]["state"] == "revoked"
    assert outcome(accept(made["token"], password=PASSWORD)) == (403, "INVITATION_REFUSED")
    assert outcome(owner.post(f"{URL}{made['id']}/resend/")) == (409, "INVITATION_ENDED")
    assert [e.action for e in acts(nordhav)].count("invitation.revoked") == 1


def test_an_accepted_one_is_not_revoked(owner):
    made = invite(owner).json()["data"]
    accept(made["token"], password=PASSWORD)
    assert outcome(owner.post(f"{URL}{made['id']}/revoke/")) == (409, "INVITATION_ENDED")


# Accepting -------------------------------------------------------------------------------------


def test_a_new_person_gets_an_account_and_the_place(owner, nordhav):
    response = accept(token_of(owner, role="editor"), password=PASSWORD, full_name="Ada Guest")
    assert response.status_code == 200
    assert response.json()["data"] == {
        "workspace_id": str(nordhav.brand.id),
        "slug": nordhav.brand.slug,
        "name": nordhav.brand.name,
        "email": GUEST,
        "role": "editor",
    }
    person = User.objects.get(email=GUEST)
    assert person.check_password(PASSWORD)
    assert (person.full_name, person.is_staff, person.is_superuser) == ("Ada Guest", False, False)
    assert client_for(person).get("/api/v1/mint-jobs/").status_code == 200
    told = [(e.action, e.actor) for e in acts(nordhav)[1:]]
    themself = f"user:{person.pk}"
    assert told == [
        ("user.created", themself), ("invitation.accepted", themself), ("member.added", themself),
    ]  # fmt: skip


def test_a_known_person_accepts_while_signed_in_or_with_their_password(owner, strangers, nordhav):
    person = strangers.people[Role.VIEWER]
    token = token_of(owner, person.email)
    assert accept(token, client_for(person)).status_code == 200
    other = known_person()
    token = token_of(owner, GUEST.upper())
    assert accept(token, password=PASSWORD, full_name="Somebody Else").status_code == 200
    other.refresh_from_db()
    assert other.full_name == ""
    assert roles_of(nordhav)[GUEST] == roles_of(nordhav)[person.email] == "viewer"
    assert "user.created" not in [e.action for e in acts(nordhav)]


def test_a_session_accepts_with_its_csrf_token_only(owner):
    person = known_person()
    token = token_of(owner)
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    assert outcome(accept(token, browser)) == (403, "FORBIDDEN")


def test_somebody_elses_invitation_is_not_accepted(owner, strangers, nordhav):
    known_person()
    token = token_of(owner)
    signed_in_as_another = accept(token, client_for(strangers.people[Role.OWNER]))
    wrong_password = accept(token, password="another horse battery staple")
    assert outcome(signed_in_as_another) == outcome(wrong_password) == (403, "INVITATION_REFUSED")
    assert GUEST not in roles_of(nordhav)
    assert accept(token, password=PASSWORD).status_code == 200, "a refusal spends nothing"


def test_a_person_who_may_no_longer_sign_in_does_not_accept(owner):
    User.objects.create_user(GUEST, PASSWORD, is_active=False)
    response = accept(token_of(owner), password=PASSWORD)
    assert outcome(response) == (403, "INVITATION_REFUSED")


def test_a_password_is_asked_for_and_held_to_the_rules_whether_or_not_there_is_an_account(owner):
    token = token_of(owner)
    for _ in ("without", "with"):
        assert outcome(accept(token)) == (400, "VALIDATION_ERROR")
        weak = accept(token, password="guest")
        assert outcome(weak) == (400, "VALIDATION_ERROR")
        assert {f["field"] for f in weak.json()["error"]["fields"]} == {"password"}
        User.objects.get_or_create(email=GUEST)


def test_a_token_is_accepted_once(owner, nordhav):
    token = token_of(owner)
    assert accept(token, password=PASSWORD).status_code == 200
    assert outcome(accept(token, password=PASSWORD)) == (403, "INVITATION_REFUSED")


def test_whoever_became_a_member_by_other_means_spends_no_invitation(owner, nordhav):
    person = known_person()
    token = token_of(owner)
    with brand_scope(nordhav.brand.id):
        nordhav.brand.memberships.create(user=person, role=Role.EDITOR)
    assert outcome(accept(token, password=PASSWORD)) == (409, "ALREADY_A_MEMBER")
    assert roles_of(nordhav)[GUEST] == "editor"


def test_every_refusal_reads_the_same(owner, nordhav):
    spent, revoked, expired = (
        invite(owner, f"{n}@x.example").json()["data"] for n in ("a", "b", "c")
    )
    accept(spent["token"], password=PASSWORD)
    owner.post(f"{URL}{revoked['id']}/revoke/")
    with brand_scope(nordhav.brand.id):
        late = timezone.now() - timedelta(hours=1)
        Invitation.objects.filter(pk=expired["id"]).update(expires_at=late)
    known_person()
    wrong = token_of(owner)
    said = {
        str(accept(token, password="another horse battery staple").json()["error"])
        for token in (
            spent["token"],
            revoked["token"],
            expired["token"],
            wrong,
            "ti_live_" + "x" * 43,
            "%",
        )
    }
    assert len(said) == 1
    assert GUEST not in said.pop()


def test_guessing_is_slowed_down_like_signing_in(owner, settings):
    settings.AXES_FAILURE_LIMIT = 3
    token = token_of(owner)
    answers = [accept(f"guess {n}", password=PASSWORD).status_code for n in range(4)]
    assert answers == [403, 403, 429, 429]
    assert outcome(accept(token, password=PASSWORD)) == (429, "TOO_MANY_REQUESTS")
    elsewhere = APIClient(REMOTE_ADDR="198.51.100.7")
    assert accept(token, elsewhere, password=PASSWORD).status_code == 200


def test_a_right_token_does_not_help_to_guess_its_persons_password(owner, settings):
    settings.AXES_FAILURE_LIMIT = 3
    known_person()
    token = token_of(owner)
    for n in range(3):
        accept(token, password=f"another horse battery {n}")
    body = {"email": GUEST, "password": PASSWORD}
    assert APIClient().post("/api/v1/auth/token/", body, format="json").status_code == 429


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [True, False])
def test_of_many_acceptances_at_once_one_succeeds(nordhav, is_known):
    if is_known:
        known_person()
    token = token_of(acting(nordhav, Role.OWNER))
    done = at_once([lambda: accept(token, password=PASSWORD)] * 5)
    assert sorted(done) == [200, 403, 403, 403, 403]
    assert roles_of(nordhav)[GUEST] == "viewer"
    assert User.objects.filter(email=GUEST).count() == 1
    assert [e.action for e in acts(nordhav)].count("member.added") == 1


@pytest.mark.django_db(transaction=True)
def test_a_person_invited_by_two_brands_at_once_gets_one_account(nordhav, strangers):
    tokens = [token_of(acting(world, Role.OWNER)) for world in (nordhav, strangers)]
    done = at_once([lambda t=token: accept(t, password=PASSWORD) for token in tokens])
    assert set(done) <= {200, 403}
    for token in tokens:
        accept(token, password=PASSWORD)
    assert roles_of(nordhav)[GUEST] == roles_of(strangers)[GUEST] == "viewer"
    assert User.objects.filter(email=GUEST).count() == 1


# Their maker -----------------------------------------------------------------------------------


def test_what_a_manager_promised_ends_when_they_are_sent_away(owner, nordhav):
    token = token_of(acting(nordhav, Role.ADMIN))
    kept = token_of(owner, "kept@elsewhere.example")
    member = member_of(nordhav, Role.ADMIN)
    assert owner.delete(f"/api/v1/members/{member.pk}/").status_code == 204
    assert outcome(accept(token, password=PASSWORD)) == (403, "INVITATION_REFUSED")
    assert accept(kept, password=PASSWORD).status_code == 200


def test_an_owner_who_becomes_an_admin_keeps_all_promises_but_those_of_owners(owner, nordhav):
    other = client_for(join(nordhav, Role.OWNER))
    as_owner = token_of(other, "o@elsewhere.example", "owner")
    as_viewer = token_of(other, "v@elsewhere.example")
    email = nordhav.people[Role.OWNER].email
    (row,) = [r for r in owner.get("/api/v1/members/?role=owner").json()["data"]
              if r["email"] != email]  # fmt: skip
    assert owner.patch(f"/api/v1/members/{row['id']}/", {"role": "admin"}).status_code == 200
    assert outcome(accept(as_owner, password=PASSWORD)) == (403, "INVITATION_REFUSED")
    assert accept(as_viewer, password=PASSWORD).status_code == 200


def test_what_a_credential_promised_ends_when_it_is_revoked(owner, nordhav, client_of):
    token = token_of(client_of(nordhav, (Scope.MEMBERS_MANAGE.value,)))
    with brand_scope(nordhav.brand.id):
        key = ApiCredential.objects.get().pk
    assert owner.post(f"/api/v1/api-credentials/{key}/revoke/").status_code == 200
    assert outcome(accept(token, password=PASSWORD)) == (403, "INVITATION_REFUSED")


def test_invitations_of_another_brand_are_not_found(owner, strangers):
    foreign = invite(acting(strangers, Role.OWNER)).json()["data"]["id"]
    for act in ("resend", "revoke"):
        assert outcome(owner.post(f"{URL}{foreign}/{act}/")) == (404, "NOT_FOUND")
    assert owner.get(URL).json()["data"] == []
