"""Every page of the console: who may open it, that it opens, and that it only shows."""

import re
from http import HTTPStatus
from itertools import product

import pytest
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from minting.models import ChainBudget, ChainDrift, ReconciliationRun, RpcEndpoint
from minting.states import JobStatus
from resolver.models import Link, ScanPolicy
from tests.console.conftest import staff_with
from tests.console.rows import (
    Shop,
    make_asset,
    make_budget,
    make_build,
    make_cycles,
    make_document,
    make_drift,
    make_endpoint,
    make_grant,
    make_jobs,
    make_link,
    make_pack,
    make_passport_change,
    make_pause,
    make_price,
    make_proof,
    make_revocation,
    make_run,
    make_scan_policy,
    make_scan_signal,
    make_transaction,
    make_tree,
    make_unit,
    make_wallet,
    open_shop,
)
from tests.shares import taken
from tieback.brands.audit import record
from tieback.brands.credentials import issue_credential
from tieback.brands.models import ApiCredential, AuditEntry, Brand, ResolverHost, User
from tieback.brands.onboarding import ActsFor
from tieback.brands.scoping import all_brands, brand_scope
from tieback.urls.console import site

pytestmark = pytest.mark.plane("console")

ODD_SEARCHES = (
    *("'", "%", "\\", "\x00", "-1", "é🙂", "a" * 5000, "' or 1=1 --", "<b>"),
    "00000000-0000-0000-0000-000000000000",
)


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def lists() -> list[str]:
    return [url(model, "changelist") for model in site._registry]


def details() -> list[str]:
    """Return the page of one row of each model."""
    with all_brands():
        first = [(model, model._default_manager.first()) for model in site._registry]
    assert all(row is not None for _, row in first)
    return [url(model, "change", quote(row.pk)) for model, row in first if row is not None]


@pytest.fixture
def full(shop: Shop) -> Shop:
    """A brand with a row of everything the console shows."""
    (job,) = make_jobs(shop, status=JobStatus.PROCESSING, requested_quantity=100)
    make_cycles(shop, job, 2)
    make_asset(shop, make_unit(shop, job))
    make_pack(shop, make_build(shop, job))
    make_proof(shop, job)
    make_transaction(shop, job)
    make_document(shop)
    make_tree(shop)
    make_drift(shop)
    make_run()
    make_pause(shop, job)
    make_passport_change(shop, job)
    make_revocation(shop, job)
    make_scan_signal(shop, job)
    make_scan_policy(shop)
    make_link(shop)
    make_grant(shop)
    make_wallet()
    make_endpoint()
    make_budget(shop)
    make_price()
    with brand_scope(shop.brand_id):
        issue_credential(brand_id=shop.brand_id, name="till")
        record(ActsFor(shop.brand_id, "system:test"), "brand.created", "brand", shop.brand_id)
    return shop


def test_every_page_opens_for_an_operator(console: Client, full: Shop) -> None:
    pages = ["/admin/", "/admin/queue", *lists(), *details()]
    answers = {page: console.get(page).status_code for page in pages}
    assert {page for page, status in answers.items() if status != HTTPStatus.OK} == set()
    assert len(pages) == 2 + 2 * 32


def test_a_stranger_is_sent_to_the_sign_in_page(full: Shop) -> None:
    pages = ["/admin/", "/admin/queue", "/admin/queue/stats", *lists(), *details()]
    pages += ["/admin/minting/mintjob/retry/"]
    for page in pages:
        answer = Client().get(page)
        assert answer.status_code == HTTPStatus.FOUND, page
        assert answer.headers["Location"].startswith("/admin/login/"), page


def test_a_member_of_a_brand_is_no_operator(shop: Shop) -> None:
    client = Client()
    owner = next(iter(shop.world.people.values()))
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    for page in ["/admin/", "/admin/queue/stats", *lists()]:
        answer = client.get(page)
        assert answer.status_code == HTTPStatus.FOUND, page
        assert answer.headers["Location"].startswith("/admin/login/"), page


def test_staff_see_only_what_they_were_permitted(full: Shop) -> None:
    client = staff_with("view_mintjob")
    allowed = url_of_jobs()
    assert client.get("/admin/").status_code == HTTPStatus.OK
    assert client.get(allowed).status_code == HTTPStatus.OK
    for page in set(lists()) - {allowed}:
        assert client.get(page).status_code == HTTPStatus.FORBIDDEN, page


def url_of_jobs() -> str:
    return reverse("admin:minting_mintjob_changelist")


def test_nothing_can_be_added_changed_or_deleted(console: Client, full: Shop) -> None:
    for model, page in zip(site._registry, details(), strict=True):
        if model not in {ChainBudget, ReconciliationRun, ResolverHost, RpcEndpoint, ScanPolicy}:
            assert console.get(url(model, "add")).status_code == HTTPStatus.FORBIDDEN, page
        delete = page.replace("/change/", "/delete/")
        assert console.post(delete, {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN, page
        if model not in {Brand, ChainBudget, Link, RpcEndpoint, ScanPolicy}:
            assert console.post(page, {"_save": "Save"}).status_code == HTTPStatus.FORBIDDEN, page


def test_a_list_offers_no_deletion(console: Client, full: Shop) -> None:
    for page in lists():
        assert "delete_selected" not in console.get(page).content.decode(), page


def test_odd_searches_are_answered(console: Client, full: Shop) -> None:
    for page, text in product(lists(), ODD_SEARCHES):
        if taken(page, text):
            assert console.get(page, {"q": text}).status_code == HTTPStatus.OK, (page, text)


def test_every_filter_choice_opens(console: Client, full: Shop) -> None:
    filtered = re.compile(r'id="changelist-filter".*?</nav>', re.DOTALL)
    for page in lists():
        for filters in filtered.findall(console.get(page).content.decode()):
            choices = re.findall(r'<a href="(\?[^"]+)"', filters)
            assert choices, page
            # The choices of a moment are Django's own and the same on every list.
            for choice in (c for c in choices if "_at__" not in c or "mintjob" in page):
                target = page + choice.replace("&amp;", "&")
                assert console.get(target).status_code == HTTPStatus.OK, target


def test_a_filter_made_up_by_hand_is_no_server_error(console: Client, full: Shop) -> None:
    made_up = ("brand__id__exact=x", "p=99", "p=x", "o=99", "status__exact=x", "work=x")
    for page, query in product(lists(), made_up):
        if taken(page, query):
            assert console.get(f"{page}?{query}").status_code < HTTPStatus.INTERNAL_SERVER_ERROR


def test_a_nul_in_an_address_is_refused(console: Client, full: Shop) -> None:
    made_up = ["\x00"]
    for model in site._registry:
        answer = console.get(url(model, "change", *made_up))
        assert answer.status_code == HTTPStatus.NOT_FOUND, model
        answer = console.get(url(model, "history", *made_up))
        assert answer.status_code == HTTPStatus.NOT_FOUND, model
    asked = ("target_id__exact=%00", "action=%00", "target_type=x%00", "%00=x", "kind__exact=%00")
    for page in lists():
        for query in asked:
            answer = console.get(f"{page}?{query}")
            assert answer.status_code == HTTPStatus.BAD_REQUEST, (page, query)


def test_a_nul_in_a_form_is_refused(console: Client, full: Shop) -> None:
    chosen = {"action": "accept", "_selected_action": ["\x00"], "reason": "because"}
    for page in lists():
        assert console.post(page, chosen).status_code == HTTPStatus.BAD_REQUEST, page
    reason = {**chosen, "_selected_action": ["1"], "reason": "be\x00cause"}
    page = url(ChainDrift, "changelist")
    assert console.post(page, reason).status_code == HTTPStatus.BAD_REQUEST


def test_a_stranger_with_a_nul_is_sent_to_the_sign_in_page(full: Shop) -> None:
    answer = Client().get(url(AuditEntry, "changelist") + "?action=%00")
    assert answer.status_code == HTTPStatus.FOUND


def test_an_unknown_id_leads_back_to_the_first_page(console: Client, full: Shop) -> None:
    for model in site._registry:
        for made_up in ("x", "0", "00000000-0000-0000-0000-000000000000", "9" * 40):
            answer = console.get(url(model, "change", made_up))
            assert answer.status_code == HTTPStatus.FOUND, (model, made_up)


def test_the_history_of_a_row_is_its_audit_trail(console: Client, full: Shop) -> None:
    answer = console.get(url(Brand, "history", full.brand_id), follow=True)
    assert "brand.created" in answer.content.decode()


def test_a_credential_shows_neither_secret_nor_hash(console: Client, full: Shop) -> None:
    with all_brands():
        credential = ApiCredential.objects.get()
    content = console.get(url(ApiCredential, "change", credential.pk)).content.decode()
    assert credential.pk in content
    assert bytes(credential.secret_sha256).hex() not in content
    assert "sha256" not in content


def test_a_person_shows_no_password_hash(console: Client, full: Shop) -> None:
    user = User.objects.get(is_superuser=True)
    content = console.get(url(User, "change", user.pk)).content.decode()
    assert user.email in content
    assert user.password not in content


def test_all_brands_are_shown_together(console: Client, shop: Shop) -> None:
    other = open_shop("lichtwerk")
    make_jobs(shop)
    make_jobs(other)
    content = console.get(url_of_jobs()).content.decode()
    assert shop.world.brand.name in content
    assert other.world.brand.name in content


def test_pages_need_no_inline_style_or_script(console: Client, full: Shop) -> None:
    make_jobs(full, status=JobStatus.FAILED)
    inline = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)[^>]*>|\son[a-z]+=", re.IGNORECASE)
    for page in ["/admin/", "/admin/queue", *lists(), *details()]:
        answer = console.get(page)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert inline.search(answer.content.decode()) is None, page


def test_the_first_address_leads_to_the_console() -> None:
    assert Client().get("/").headers["Location"] == "/admin/"
