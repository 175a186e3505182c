"""Proofs in public: who holds a code may check it, and learns nothing of any other."""

import json

import pytest
from django.db import connection
from django.test import Client

from minting.models import MintUnit
from minting.proofs.document import read
from minting.proofs.verification import checks_of
from resolver.finding import Finding, signed
from resolver.languages import OFFERED
from tests.factories import make_world
from tests.planes import acting_as
from tests.proofs.conftest import proof_row
from tests.resolver.conftest import connections, public  # noqa: F401 - fixtures
from tieback.brands.scoping import brand_scope

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]


def tokens_of(job) -> list[str]:
    with acting_as("web"), brand_scope(job.brand_id):
        units = MintUnit.objects.filter(batch=job.batch_id).order_by("ordinal")
        return list(units.values_list("token", flat=True))


def key_of(job) -> str:
    with acting_as("web"):
        return proof_row(job).key


def test_the_file_is_what_the_command_checks(proven, public: Client):  # noqa: F811
    job = proven(1_500)
    tokens = tokens_of(job)
    answer = public.get(f"/p/{tokens[1_400]}/proof.json")
    assert answer.status_code == 200
    assert [check.passed for check in checks_of(read(answer.content), [key_of(job)])] == [True] * 4
    assert answer.json()["leaf"]["uri"].endswith(tokens[1_400])
    assert sum(token in answer.text for token in tokens) == 1
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_the_keys_of_the_brand_are_public(proven, public: Client):  # noqa: F811
    job = proven(1)
    answer = public.get("/.well-known/tieback-keys.json").json()
    assert answer["brand_id"] == str(job.brand_id)
    assert [(one["algorithm"], one["key"]) for one in answer["keys"]] == [("Ed25519", key_of(job))]


def test_the_page_explains_the_proof_and_the_passport_leads_to_it(proven, public):  # noqa: F811
    job = proven(3)
    token = tokens_of(job)[1]
    link = f'<a href="/p/{token}/proof">How this can be checked</a>'
    assert link in public.get(f"/p/{token}").text
    page = public.get(f"/p/{token}/proof")
    assert page.status_code == 200
    assert "<strong>This code was issued by Nordhav.</strong> It is item 2 of the 3" in page.text
    assert f"tieback verify proof.json --key {key_of(job)}" in page.text
    assert f'href="/p/{token}/proof.json"' in page.text
    assert len(page.content) < 15_000


def test_to_the_proof_and_back_verdicts_and_language_stay(proven, public):  # noqa: F811
    token = tokens_of(proven(1))[0]
    found = signed(token, Finding(is_test=True))
    said = f"17=250131&amp;scan={found}"
    there = f'<a href="/p/{token}/proof?{said}&amp;lang=de">'
    back = f'<a href="/p/{token}?{said}&amp;lang=de">'
    query = f"17=250131&scan={found}&lang=de&utm_source=mail"
    assert there in public.get(f"/p/{token}?{query}").text
    proof = public.get(f"/p/{token}/proof?{query}").text
    assert back in proof
    assert f'href="?lang=fr&amp;{said}"' in proof
    assert "utm_source" not in proof
    returned = public.get(f"/p/{token}?17=250131&scan={found}&lang=de").text
    for verdict in ("Testscan", "Abgelaufen"):
        assert verdict in returned


def test_what_the_address_does_not_say_is_not_added_on_the_way(proven, public):  # noqa: F811
    token = tokens_of(proven(1))[0]
    german = {"accept-language": "de"}
    assert f'href="/p/{token}/proof"' in public.get(f"/p/{token}", headers=german).text
    assert f'href="/p/{token}"' in public.get(f"/p/{token}/proof", headers=german).text


@pytest.mark.parametrize("language", OFFERED)
def test_the_page_is_in_every_language(proven, public: Client, language: str):  # noqa: F811
    token = tokens_of(proven(1))[0]
    page = public.get(f"/p/{token}/proof?lang={language}")
    assert page.headers["Content-Language"] == language
    assert ("What it does not show" in page.text) is (language == "en")


def test_before_it_is_signed_the_page_says_so_and_nothing_links_to_it(minted, public):  # noqa: F811
    token = tokens_of(minted(1))[0]
    assert "/proof" not in public.get(f"/p/{token}").text
    assert "<strong>There is no proof yet.</strong>" in public.get(f"/p/{token}/proof").text
    answer = public.get(f"/p/{token}/proof.json")
    assert (answer.status_code, answer.json()["ok"]) == (409, False)


def test_another_brands_host_knows_nothing_of_it(proven, public: Client):  # noqa: F811
    token = tokens_of(proven(1))[0]
    with acting_as("web"):
        make_world("strangers")
    for path in (f"/p/{token}/proof", f"/p/{token}/proof.json"):
        assert public.get(path, headers={"host": "strangers.example"}).status_code == 404
        assert public.get(path.replace(token, "2" * 20)).status_code == 404
        assert public.get(path.replace(token, "x")).status_code == 404
    keys = public.get("/.well-known/tieback-keys.json", headers={"host": "strangers.example"})
    assert keys.json()["keys"] == []
    unknown = public.get("/.well-known/tieback-keys.json", headers={"host": "nobody.example"})
    assert unknown.status_code == 404


def test_giving_a_proof_takes_few_statements(
    proven,
    public: Client,  # noqa: F811
    django_assert_max_num_queries,
):
    token = tokens_of(proven(1_500))[0]
    public.get(f"/p/{token}/proof.json")
    with django_assert_max_num_queries(9, connection=connection):
        assert json.loads(public.get(f"/p/{token}/proof.json").content)["index"] == 0
