"""A repeated request, rule by rule."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIClient

from minting.models import MintJob, Product
from tests.catalogue.calls import PRODUCT_IMPORT, PRODUCTS, csv_text, faults, product_body
from tests.factories import BrandWorld, make_product
from tests.planes import acting_as
from tieback.api import expiry, idempotency, tokens
from tieback.api.models import KeptAnswer
from tieback.brands.models import ApiCredential, Membership
from tieback.brands.roles import Role, Scope
from tieback.brands.scoping import all_brands, brand_scope

KEY = "order-17/line-3"


def create(api: APIClient, key: str | None = KEY, **fields: Any) -> Any:
    """Create a product."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(PRODUCTS, product_body(**fields), headers=headers)


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def was_replayed(response: Any) -> bool:
    return response.headers.get("Idempotency-Replayed") == "true"


def products(world: BrandWorld) -> int:
    with brand_scope(world.brand.id):
        return Product.objects.count()


def kept(world: BrandWorld) -> list[KeptAnswer]:
    with brand_scope(world.brand.id):
        return list(KeptAnswer.objects.order_by("id"))


def age(world: BrandWorld, by: timedelta) -> None:
    """Let time pass for the answers that are kept."""
    with brand_scope(world.brand.id):
        for row in KeptAnswer.objects.all():
            KeptAnswer.objects.filter(pk=row.pk).update(expires_at=row.expires_at - by)


def person(world: BrandWorld, role: Role) -> APIClient:
    """Return a client that calls as a person of the brand."""
    client = APIClient()
    client.default_format = "json"
    access = tokens.issue(world.people[role])["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


@pytest.mark.django_db
class TestReplay:
    """What is the same request, and what its sender is told."""

    def test_the_first_answer_comes_again_under_the_new_requests_id(self, api, nordhav):
        first, again = create(api), create(api)
        assert (first.status_code, was_replayed(first)) == (201, False)
        assert (again.status_code, was_replayed(again)) == (201, True)
        assert again.json()["data"] == first.json()["data"]
        assert again.json()["meta"]["request_id"] == again["X-Request-Id"]
        assert again["X-Request-Id"] != first["X-Request-Id"]
        assert again["Cache-Control"] == "no-store"
        assert products(nordhav) == 1

    def test_what_was_answered_stays_so_although_the_object_has_changed(self, api):
        first = create(api).json()["data"]
        api.patch(f"{PRODUCTS}{first['id']}/", {"name": "renamed"})
        assert create(api).json()["data"]["name"] == first["name"] != "renamed"

    def test_without_a_key_every_request_is_a_new_one(self, api):
        assert create(api, None).status_code == 201
        assert faults(create(api, None)) >= {("sku", "TAKEN")}

    @pytest.mark.parametrize("key", ["", " ", "caf\u00e9", "x" * 256, "a\tb"])
    def test_a_malformed_key_is_refused_by_name(self, api, nordhav, key):
        response = create(api, key)
        assert error(response) == (400, "VALIDATION_ERROR")
        assert {field for field, _ in faults(response)} == {"Idempotency-Key"}
        assert products(nordhav) == 0

    def test_the_longest_key_is_taken(self, api):
        assert create(api, "k" * 255).status_code == 201
        assert was_replayed(create(api, "k" * 255))

    def test_reading_ignores_the_key(self, api, nordhav):
        make_product(nordhav)
        headers = {"Idempotency-Key": KEY}
        assert len(api.get(PRODUCTS, headers=headers).json()["data"]) == 1
        make_product(nordhav)
        assert len(api.get(PRODUCTS, headers=headers).json()["data"]) == 2
        assert api.head(PRODUCTS, headers={"Idempotency-Key": ""}).status_code == 200
        assert kept(nordhav) == []

    def test_order_of_fields_and_white_space_do_not_matter(self, api):
        create(api)
        body = product_body()
        text = ", ".join(f'"{name}" : "{body[name]}"' for name in reversed(body))
        again = api.post(
            PRODUCTS,
            f"{{ {text} }}",
            content_type="application/json",
            headers={"Idempotency-Key": KEY},
        )
        assert was_replayed(again)

    def test_another_body_query_or_object_under_the_key_is_refused(self, api, nordhav):
        create(api)
        assert error(create(api, name="other")) == (422, "IDEMPOTENCY_KEY_REUSED")
        first, second = make_product(nordhav), make_product(nordhav)
        headers, change = {"Idempotency-Key": KEY}, {"name": "renamed"}
        assert api.patch(f"{PRODUCTS}{first.id}/", change, headers=headers).status_code == 200
        other = api.patch(f"{PRODUCTS}{second.id}/", change, headers=headers)
        assert error(other) == (422, "IDEMPOTENCY_KEY_REUSED")
        asked = api.patch(f"{PRODUCTS}{first.id}/?x=1", change, headers=headers)
        assert error(asked) == (422, "IDEMPOTENCY_KEY_REUSED")
        with brand_scope(nordhav.brand.id):
            assert Product.objects.get(id=second.id).name == second.name

    def test_a_key_belongs_to_one_operation(self, api):
        product = create(api).json()["data"]
        headers = {"Idempotency-Key": KEY}
        changed = api.patch(f"{PRODUCTS}{product['id']}/", {"name": "renamed"}, headers=headers)
        assert (changed.status_code, was_replayed(changed)) == (200, False)

    def test_a_key_belongs_to_one_caller_of_a_brand(self, api, nordhav):
        create(api)
        other = create(person(nordhav, Role.EDITOR))
        assert faults(other) >= {("sku", "TAKEN")}, "their request ran: it was not answered so"

    def test_two_brands_with_one_key_have_two_effects(self, api, nordhav, strangers, client_of):
        responses = [create(api), create(client_of(strangers))]
        assert [response.status_code for response in responses] == [201, 201]
        assert not any(map(was_replayed, responses))
        assert (products(nordhav), products(strangers)) == (1, 1)


@pytest.mark.django_db
class TestErrors:
    """An answer that says no is never kept: what it was about may be mended."""

    def test_a_malformed_request_may_be_mended_under_its_key(self, api, nordhav):
        assert create(api, category="no such").status_code == 400
        assert create(api, quantity=1).status_code == 400
        assert kept(nordhav) == []
        assert create(api).status_code == 201

    def test_a_state_that_did_not_allow_it_may_have_changed(self, api, nordhav):
        with brand_scope(nordhav.brand.id):
            product = make_product(nordhav)
        path = f"{PRODUCTS}{uuid4()}/"
        headers = {"Idempotency-Key": KEY}
        assert api.patch(path, {"name": "n"}, headers=headers).status_code == 404
        path = f"{PRODUCTS}{product.id}/"
        assert api.patch(path, {"name": "n"}, headers=headers).status_code == 200

    @pytest.mark.parametrize("status", [500, 503])
    def test_a_failure_of_ours_is_run_again(self, api, nordhav, monkeypatch, status):
        from django.db import OperationalError

        from minting.api import products as view

        real, raised = view.create_product, []

        def breaks_once(*args: Any, **kwargs: Any) -> Any:
            made = real(*args, **kwargs)
            if not raised:
                raised.append(RuntimeError("broken") if status == 500 else OperationalError("gone"))
                raise raised[0]
            return made

        monkeypatch.setattr(view, "create_product", breaks_once)
        assert create(api).status_code == status
        assert (kept(nordhav), products(nordhav)) == ([], 0)
        assert (create(api).status_code, products(nordhav)) == (201, 1)

    def test_an_answer_that_cannot_be_kept_undoes_its_effect(self, api, nordhav, monkeypatch):
        """Effect and answer are one transaction: there is no effect without its answer."""

        def breaks(*_: object, **__: object) -> None:
            raise RuntimeError("disk full")

        monkeypatch.setattr(idempotency.KeyedRequest, "keep", breaks)
        api.raise_request_exception = False
        assert create(api).status_code == 500
        assert products(nordhav) == 0


@pytest.mark.django_db
class TestUploads:
    """Files are told apart by their bytes."""

    FILE = csv_text(["sku", "name", "category"], ["A-1", "one", "generic"]).encode()

    def send(self, api: APIClient, content: bytes, name: str = "list.csv") -> Any:
        file = SimpleUploadedFile(name, content, "text/csv")
        headers = {"Idempotency-Key": KEY}
        return api.post(PRODUCT_IMPORT, {"file": file}, format="multipart", headers=headers)

    def test_the_same_bytes_are_the_same_request_whatever_their_name(self, api):
        first, again = self.send(api, self.FILE), self.send(api, self.FILE, "copy.csv")
        assert first.json()["data"]["inserted"] == 1
        assert was_replayed(again)
        assert again.json()["data"] == first.json()["data"]

    def test_other_bytes_are_another_request(self, api):
        self.send(api, self.FILE)
        other = self.send(api, self.FILE.replace(b"one", b"two"))
        assert error(other) == (422, "IDEMPOTENCY_KEY_REUSED")

    def test_a_body_of_csv_is_read_whole_after_it_was_hashed(self, api):
        headers = {"Idempotency-Key": KEY}
        for replayed in (False, True):
            report = api.post(PRODUCT_IMPORT, self.FILE, content_type="text/csv", headers=headers)
            assert (report.json()["data"]["inserted"], was_replayed(report)) == (1, replayed)

    def test_a_dry_run_is_another_request_than_the_import(self, api, nordhav):
        headers = {"Idempotency-Key": KEY}
        dry = api.post(
            f"{PRODUCT_IMPORT}?dry_run=true", self.FILE, content_type="text/csv", headers=headers
        )
        assert (dry.status_code, products(nordhav)) == (200, 0)
        assert error(self.send(api, self.FILE)) == (422, "IDEMPOTENCY_KEY_REUSED")

    def test_an_answer_too_large_to_keep_is_not_run_again_either(self, api, nordhav, monkeypatch):
        monkeypatch.setattr(idempotency, "LARGEST_KEPT", 50)
        assert self.send(api, self.FILE).status_code == 200
        (row,) = kept(nordhav)
        assert row.answer is None
        assert error(self.send(api, self.FILE)) == (409, "ANSWER_NOT_KEPT")

    def test_the_report_of_a_usual_import_is_small_enough_to_keep(self, api, nordhav):
        rows = [[f"SKU-{n}", f"Product {n}", "generic"] for n in range(1_000)]
        self.send(api, csv_text(["sku", "name", "category"], *rows).encode())
        (row,) = kept(nordhav)
        assert 0 < len(bytes(row.answer)) < idempotency.LARGEST_KEPT


@pytest.mark.django_db
class TestSecrets:
    """What is shown once is shown once."""

    def test_a_repeated_creation_of_a_credential_leaves_its_secret_out(self, nordhav):
        owner = person(nordhav, Role.OWNER)
        body = {"name": "line 4", "scopes": ["mints:read"]}
        headers = {"Idempotency-Key": KEY}
        first = owner.post("/api/v1/api-credentials/", body, headers=headers).json()
        again = owner.post("/api/v1/api-credentials/", body, headers=headers).json()
        assert first["data"]["secret"]
        assert again["data"] == {**first["data"], "secret": None}
        assert again["meta"]["not_repeated"] == ["secret"]
        assert "not_repeated" not in first["meta"]
        with brand_scope(nordhav.brand.id):
            assert ApiCredential.objects.count() == 1

    def test_secrets_inside_objects_are_found_and_lists_left_alone(self):
        answer = {
            "invitation": {"id": 1, "token": "abc"},
            "units": [{"token": "UNIT"}],
            "password": None,
        }
        response = Response(answer, status=201)
        repeated = idempotency._unpacked(201, idempotency._packed(response, idempotency.SHOWN_ONCE))
        assert repeated.data == {**answer, "invitation": {"id": 1, "token": None}}
        assert repeated.meta == {"not_repeated": ["invitation.token"]}

    def test_an_answer_without_a_body_is_repeated_without_one(self):
        packed = idempotency._packed(Response(status=204), frozenset())
        assert idempotency._unpacked(204, packed).data is None

    def test_a_signed_url_is_repeated_no_longer_than_it_lives(self):
        from exports.api import packs

        lives = {view.answers_live for view in (packs.PackDownloadView, packs.ManifestDownloadView)}
        assert lives == {timedelta(seconds=300)}


@pytest.mark.django_db
class TestExpiry:
    """After a day the key is free, but a job's key never is."""

    def test_an_answer_is_kept_for_24_hours_by_the_databases_clock(self, api, nordhav):
        create(api)
        (row,) = kept(nordhav)
        assert row.expires_at - row.created_at == timedelta(hours=24)
        assert abs(row.created_at - timezone.now()) < timedelta(minutes=1)
        age(nordhav, timedelta(hours=23, minutes=59))
        assert was_replayed(create(api))

    def test_a_key_whose_answer_has_expired_is_free_for_any_request(self, api, nordhav):
        create(api)
        age(nordhav, timedelta(hours=24))
        other = create(api, sku="TEE-2", gtin=None)
        assert (other.status_code, was_replayed(other)) == (201, False)
        assert was_replayed(create(api, sku="TEE-2", gtin=None))
        (row,) = kept(nordhav)
        assert row.expires_at - row.created_at == timedelta(hours=24)


def submit(api: APIClient, product: Product, key: str = KEY, quantity: int = 5) -> Any:
    body = {
        "product_id": str(product.id),
        "quantity": quantity,
        "identity_mode": "serial",
        "activation_mode": "first_scan",
    }
    return api.post("/api/v1/mint-requests/", body, headers={"Idempotency-Key": key})


@pytest.mark.django_db
def test_a_mint_request_needs_its_key_and_says_when_it_is_repeated(api, nordhav):
    product = make_product(nordhav)
    path = "/api/v1/mint-requests/"
    assert faults(api.post(path, {})) == {("Idempotency-Key", "REQUIRED")}
    first, again = submit(api, product), submit(api, product)
    assert (first.status_code, was_replayed(first)) == (202, False)
    assert (again.status_code, was_replayed(again)) == (200, True)
    assert again.json()["data"] == {**first.json()["data"], "is_duplicate": True}
    assert error(submit(api, product, quantity=6)) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.fixture
def world(transactional_db: None) -> BrandWorld:
    """A brand whose rows are committed, so that the worker's role can be asked too."""
    from tests.factories import make_world

    return make_world("nordhav")


def put(world: BrandWorld, count: int, *, ended: bool) -> None:
    """Keep ``count`` answers."""
    past = timezone.now() + timedelta(hours=-1 if ended else 1)
    with brand_scope(world.brand.id):
        KeptAnswer.objects.bulk_create(
            KeptAnswer(
                brand=world.brand,
                principal="user:1",
                operation="POST it",
                key_sha256=uuid4().bytes * 2,
                fingerprint=bytes(32),
                status=200,
                content_type="application/json",
                answer=b"",
                expires_at=past,
            )
            for _ in range(count)
        )


@pytest.mark.django_db(transaction=True)
def test_who_may_no_longer_do_it_is_not_told_what_they_did(world):
    editor = person(world, Role.EDITOR)
    assert create(editor).status_code == 201
    with acting_as("console"), brand_scope(world.brand.id):
        Membership.objects.filter(user=world.people[Role.EDITOR]).update(role=Role.VIEWER)
    assert error(create(editor)) == (403, "FORBIDDEN")


@pytest.mark.django_db(transaction=True)
class TestUpkeep:
    """What has expired is deleted by the worker."""

    def test_expired_answers_go_in_batches_and_the_others_stay(self, world):
        put(world, 25, ended=True)
        put(world, 4, ended=False)
        with acting_as("worker"):
            assert expiry.delete_expired_answers(batch=10) == 25
            assert expiry.delete_expired_answers(batch=10) == 0
        assert len(kept(world)) == 4

    def test_one_round_deletes_no_more_than_it_may(self, world):
        put(world, 25, ended=True)
        with acting_as("worker"):
            assert expiry.delete_expired_answers(batch=10, rounds=2) == 20
        assert len(kept(world)) == 5

    def test_a_row_that_is_being_replaced_is_passed_over_at_once(self, world):
        put(world, 3, ended=True)
        locked, done = threading.Event(), threading.Event()

        def replace() -> None:
            with brand_scope(world.brand.id):
                row = KeptAnswer.objects.select_for_update().first()
                assert row is not None
                locked.set()
                done.wait(20)
            connection.close()

        with acting_as("web"):
            holder = threading.Thread(target=replace)
            holder.start()
            assert locked.wait(10)
        with acting_as("worker"):
            deleted = expiry.delete_expired_answers()
        done.set()
        holder.join()
        assert deleted == 2

    def test_the_worker_can_delete_answers_and_not_read_them(self, world):
        put(world, 1, ended=True)
        from django.db.utils import ProgrammingError

        with (
            acting_as("worker"),
            all_brands(),
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            list(KeptAnswer.objects.values_list("answer"))

    def test_beat_rings_for_it(self):
        from tieback.celery import app

        app.loader.import_default_modules()
        (entry,) = [
            entry
            for entry in app.conf.beat_schedule.values()
            if entry["task"] == "api.delete_expired_answers"
        ]
        assert entry["task"] in app.tasks
        assert entry["schedule"] <= 60

    def test_a_job_keeps_its_key_when_every_answer_is_gone(
        self, world, client_of: Callable[..., APIClient]
    ):
        api, product = client_of(world, (Scope.MINTS_WRITE, Scope.PRODUCTS_WRITE)), None
        with acting_as("web"):
            product = make_product(world)
        first = submit(api, product)
        create(api)
        age(world, timedelta(days=2))
        with acting_as("worker"):
            expiry.delete_expired_answers()
        assert kept(world) == []
        again = submit(api, product)
        assert (again.status_code, was_replayed(again)) == (200, True)
        assert again.json()["data"]["mint_job_id"] == first.json()["data"]["mint_job_id"]
        with brand_scope(world.brand.id):
            assert MintJob.objects.count() == 1
