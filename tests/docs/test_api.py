"""docs/api.md tells of every operation, and every example in it is what the application does.

The examples run in the order of the document against one brand. After a change of the API,
``TIEBACK_WRITE_API_EXAMPLES=1`` writes the answers that differ anew; read the difference before
committing it. A new operation needs a heading, a request, and an answer to start from.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from exports import storage
from tests.docs.api_world import EVENTS, WRITTEN_KEY, make_api_world
from tests.docs.examples import JSON, Answered, Asked, Event, Example, body_of, examples, read
from tests.docs.markdown import DOCS, names_in, section, text_of
from tests.docs.matching import Matcher
from tests.platform.description import description

NAME = "api.md"
TEXT = text_of(NAME)
EXAMPLES = list(examples(TEXT))
REWRITE = bool(os.environ.get("TIEBACK_WRITE_API_EXAMPLES"))
#: Parameters that the section on lists tells of.
OF_EVERY_LIST = {"cursor", "page_size", "ordering", "created_after", "created_before"}
BUCKET = f"test-docs-{os.getpid()}"


def described() -> dict[str, tuple[str, str]]:
    """Return method and path of every operation by its id."""
    return {
        told["operationId"]: (method.upper(), path)
        for path, methods in description()["paths"].items()
        for method, told in methods.items()
    }


def test_every_operation_has_an_example_that_succeeds_and_no_other_is_told_of() -> None:
    shown = {one.operation for one in EXAMPLES if one.answered.status < 400}
    assert shown == set(described())


def test_every_operation_has_one_heading() -> None:
    headings = Counter(line.strip("#` ") for line in TEXT.splitlines() if line.startswith("### `"))
    assert headings == dict.fromkeys(described(), 1)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.operation)
def test_an_example_stands_under_its_own_operation(example: Example) -> None:
    method, path = described()[example.operation]
    parts = zip(
        path.strip("/").split("/"),
        example.asked.target.partition("?")[0].strip("/").split("/"),
        strict=True,
    )
    assert example.asked.method == method
    assert all(one == other or one.startswith("{") for one, other in parts)


def named(operation: str, what: str) -> set[str]:
    """Return what stands after ``what:`` in an operation's text, up to the end of the sentence."""
    prose = section(TEXT, f"`{operation}`").partition("```")[0]
    sentences = re.findall(rf"{what}: (.*?)\.(?:\s|$)", re.sub(r"\(.*?\)", "", prose))
    return {name for sentence in sentences for name in names_in(sentence)}


def lists() -> dict[str, dict[str, Any]]:
    """Return the query parameters of every operation that lists something."""
    queries = {
        told["operationId"]: {
            one["name"]: one["schema"] for one in told.get("parameters", []) if one["in"] == "query"
        }
        for methods in description()["paths"].values()
        for told in methods.values()
    }
    return {operation: query for operation, query in queries.items() if "ordering" in query}


@pytest.mark.parametrize("operation", lists())
def test_a_list_tells_its_filters_and_orderings_and_no_other(operation: str) -> None:
    query = lists()[operation]
    assert named(operation, "Filters") == query.keys() - OF_EVERY_LIST
    orderings = {name.removeprefix("-") for name in query["ordering"]["enum"]}
    assert (named(operation, "Orderings") or {"created_at"}) == orderings


@pytest.fixture
def public_store(settings: Any) -> Iterator[None]:
    """Answer as a brand's own installation does: with https, and a bucket for the packs."""
    settings.TIEBACK_RESOLVER_SCHEME = "https"
    settings.S3_BUCKET = BUCKET
    settings.SOLANA_NETWORK = ""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    storage.ensure_bucket()
    yield
    bucket = storage.PackStorage().bucket
    bucket.objects.all().delete()
    bucket.delete()


def id_of(api_key: str) -> str:
    """Return the part of an API key that names the credential."""
    return api_key.partition(".")[0]


def send(asked: Asked, matcher: Matcher) -> HttpResponse:
    """Send a written request with the real names in it."""
    headers = {name: matcher.real(value) for name, value in asked.headers.items()}
    content_type = headers.pop("Content-Type", JSON)
    body = matcher.real(asked.body)
    if content_type.startswith("multipart/"):
        body = body.replace("\n", "\r\n")  # between the parts HTTP knows no other line end
    response = Client(enforce_csrf_checks=True, raise_request_exception=False).generic(
        asked.method,
        matcher.real(asked.target),
        body,
        content_type=content_type,
        headers=headers,
    )
    # A file is streamed, and can be read once.
    return HttpResponse(
        response.getvalue(), status=response.status_code, headers=dict(response.headers)
    )


def text_answered(response: HttpResponse) -> str:
    """Return an answer's body, with the line ends of the document."""
    return response.content.decode().replace("\r\n", "\n")


def differences(answered: Answered, response: HttpResponse, matcher: Matcher) -> list[str]:
    found = []
    if response.status_code != answered.status:
        found.append(f"the status is {response.status_code}")
    for name, value in answered.headers.items():
        if response.headers.get(name) != value:
            found.append(f"the header {name} is {response.headers.get(name)!r}")
    real = body_of(text_answered(response), response.headers.get("Content-Type", JSON))
    return [*found, *matcher.differences(answered.body, real)]


@pytest.mark.django_db(transaction=True)
def test_every_example_is_what_the_application_answers(public_store: None) -> None:
    world = make_api_world()
    matcher = Matcher({WRITTEN_KEY: world.api_key, id_of(WRITTEN_KEY): id_of(world.api_key)})
    faults: list[str] = []
    corrected: list[tuple[tuple[int, int], str]] = []
    for part in read(TEXT):
        if isinstance(part, Event):
            happen(part, faults)
            continue
        response = send(part.asked, matcher)
        found = differences(part.answered, response, matcher)
        if found:
            title = f"{part.operation}: {part.asked.method} {part.asked.target}"
            faults += ["", title, *found, text_answered(response)[:2_000]]
            corrected.append((part.answered.span, rewritten(response, matcher)))
    if REWRITE:
        rewrite(corrected)
    assert not faults, "\n".join(faults)


def happen(event: Event, faults: list[str]) -> None:
    """Let it happen; where it cannot, the faults before it are likely why."""
    try:
        EVENTS[event.name]()
    except Exception as error:
        error.add_note("\n".join(faults))
        raise


def rewritten(response: HttpResponse, matcher: Matcher) -> str:
    """Return a real answer as the document writes it."""
    told = body_of(text_answered(response), response.headers.get("Content-Type", JSON))
    if told is None:
        return ""
    if not isinstance(told, str):
        told = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    return matcher.written(told)


def rewrite(corrected: list[tuple[tuple[int, int], str]]) -> None:
    text = TEXT
    for (start, end), answer in reversed(corrected):
        text = text[:start] + answer + text[end:]
    (DOCS / NAME).write_text(text, encoding="utf-8")
