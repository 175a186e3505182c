"""Documents as any stranger gets them: by CID, by short address, and of this host's brand."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from minting.metadata.cid import cid_of
from minting.metadata.pinning import Step, work_next_step
from tests.docs.markdown import text_of
from tests.factories import make_world
from tests.metadata.test_asking import ask, rename
from tests.planes import acting_as
from tests.resolver.conftest import connections, public  # noqa: F401 - fixtures
from tests.resolver.scanning import scan

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.plane("resolver"),
    pytest.mark.usefixtures("connections"),
]
FOR_EVER = "public, max-age=31536000, immutable"


def test_a_pinned_document_is_served_under_its_cid(pinned, public: Client):  # noqa: F811
    document = pinned()
    answer = public.get(f"/ipfs/{document.cid}")
    assert answer.status_code == 200
    assert cid_of(answer.content) == document.cid
    assert answer.json()["name"] == "Fjell jacket"
    assert {name: answer.headers[name] for name in ("Content-Type", "Cache-Control", "ETag")} == {
        "Content-Type": "application/json",
        "Cache-Control": FOR_EVER,
        "ETag": f'"{document.cid}"',
    }
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.cookies == {}


def test_a_head_has_the_headers_and_no_bytes(pinned, public: Client):  # noqa: F811
    document = pinned()
    answer = public.head(f"/ipfs/{document.cid}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(document.size)
    assert answer.headers["ETag"] == f'"{document.cid}"'


def test_who_has_it_already_is_told_so(pinned, public: Client):  # noqa: F811
    document = pinned()
    known = {"if-none-match": f'"other", "{document.cid}"'}
    answer = public.get(f"/ipfs/{document.cid}", headers=known)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    other = public.get(f"/ipfs/{document.cid}", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


def test_the_short_address_leads_there_for_good(pinned, public: Client):  # noqa: F811
    document = pinned()
    for read in (public.get, public.head):
        answer = read(f"/m/{document.short_id}")
        assert answer.status_code == 301
        assert answer.headers["Location"] == f"/ipfs/{document.cid}"
        assert answer.headers["Cache-Control"] == FOR_EVER
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_replaced_document_stays_where_it_was(pinned, product, public: Client):  # noqa: F811
    first = pinned()
    rename(product, "Fjell coat")
    second = ask(product)
    with acting_as("worker"):
        assert work_next_step() is Step.PINNED
    names = {
        public.get(f"/ipfs/{one.cid}").json()["metadataVersion"]: public.get(
            f"/m/{one.short_id}"
        ).headers["Location"]
        for one in (first, second)
    }
    assert names == {1: f"/ipfs/{first.cid}", 2: f"/ipfs/{second.cid}"}


@pytest.mark.parametrize(
    "path",
    [
        "/ipfs/{other}",
        "/ipfs/{upper}",
        "/ipfs/{cid}x",
        "/ipfs/{cid}/",
        "/ipfs/{cid}/name",
        "/ipfs/",
        "/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5",
        "/ipfs/..%2f..%2fpacks",
        "/ipfs/%00",
        "/ipfs/%F0%9F%91%9F",
        "/m/",
        "/m/{short}x",
        "/m/{half}",
        "/m/AAAAAAAA",
        "/m/%00%00%00%00%00%00%00%00",
        "/m/{cid}",
    ],
)
def test_whatever_else_is_asked_for_is_not_there(pinned, public: Client, path: str):  # noqa: F811
    document = pinned()
    asked = path.format(
        cid=document.cid,
        upper=document.cid.upper(),
        other=cid_of(b"other"),
        short=document.short_id,
        half=document.short_id[:7],
    )
    answer = public.get(asked)
    assert answer.status_code == 404
    assert "Fjell" not in answer.text
    assert "immutable" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_documents_are_only_read(pinned, public: Client, method: str):  # noqa: F811
    document = pinned()
    for path in (f"/ipfs/{document.cid}", f"/m/{document.short_id}"):
        assert getattr(public, method)(path).status_code == 405


def test_what_is_composed_and_not_pinned_is_nobodys_business(
    minted,
    product,
    public: Client,  # noqa: F811
):
    with acting_as("worker"):
        minted()
    document = ask(product)
    assert public.get(f"/ipfs/{document.cid}").status_code == 404
    assert public.get(f"/m/{document.short_id}").status_code == 404


def test_another_brands_host_and_no_brands_host_know_nothing(pinned, public: Client):  # noqa: F811
    document = pinned()
    with acting_as("web"):
        make_world("strangers")
    for host in ("strangers.example", "nobody.example"):
        for path in (f"/ipfs/{document.cid}", f"/m/{document.short_id}"):
            assert public.get(path, headers={"host": host}).status_code == 404


def test_bytes_that_are_not_what_their_name_says_are_never_sent(
    pinned,
    public: Client,  # noqa: F811
):
    """The database forbids them; whoever owns it may take its rules away."""
    pinned()
    wrong = cid_of(b"wrong")
    with acting_as("owner"), connection.cursor() as cursor:
        cursor.execute("alter table minting_metadatadocument disable trigger user")
        cursor.execute("alter table minting_metadatadocument no force row level security")
        try:
            cursor.execute("update minting_metadatadocument set cid = %s", [wrong])
        finally:
            cursor.execute("alter table minting_metadatadocument enable trigger user")
            cursor.execute("alter table minting_metadatadocument force row level security")
    answer = public.get(f"/ipfs/{wrong}")
    assert answer.status_code == 503
    assert "Fjell" not in answer.text


def test_too_many_misses_are_held_back(pinned, public: Client, settings: Any):  # noqa: F811
    settings.TIEBACK_MISSES_PER_MINUTE = 3
    pinned()
    asked = [f"/ipfs/{cid_of(bytes([number]))}" for number in range(5)]
    answers = [public.get(path, headers={"accept": "application/json"}) for path in asked]
    assert [answer.status_code for answer in answers][-1] == 429


def test_codes_do_not_take_these_paths_for_theirs(pinned):
    document = pinned()
    for path in (f"/ipfs/{document.cid}", f"/m/{document.short_id}"):
        # What stands in for Django behind the codes.
        assert scan(path).status == 299


def test_serving_takes_few_statements(
    pinned,
    public: Client,  # noqa: F811
    django_assert_max_num_queries,
):
    document = pinned()
    public.get(f"/ipfs/{document.cid}")
    with django_assert_max_num_queries(1, connection=connection):
        public.get(f"/ipfs/{document.cid}")
    with django_assert_max_num_queries(1, connection=connection):
        public.get(f"/m/{document.short_id}")


def test_anyone_checks_a_cid_with_the_documented_line_of_shell(
    pinned,
    public: Client,  # noqa: F811
    tmp_path: Path,
):
    document = pinned()
    file = tmp_path / "document.json"
    file.write_bytes(public.get(f"/ipfs/{document.cid}").content)
    (line,) = re.findall(r"^\(printf .+document\.json\).+$", text_of("metadata.md"), re.MULTILINE)
    printed = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=True)
    assert printed.stdout.decode().strip() == document.cid
