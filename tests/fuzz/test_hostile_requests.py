"""Requests that no description covers: broken bytes, endless numbers, bottomless nesting, NUL.

Sent to every operation the API describes, so a new one is covered the moment it is described.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fuzz.conftest import Application
from tests.platform.conftest import TwoBrands
from tests.platform.description import description, operation_paths
from tests.platform.wsgi import Answer, call
from tests.shares import taken

DEEP = 100_000
#: Bodies that cannot be read, or cannot be stored, and must be refused where a body is taken.
BODIES: dict[str, bytes] = {
    "not UTF-8": b'{"name": "\xff\xfe\x80"}',
    "cut UTF-8": b'{"name": "\xe2\x82',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "overlong": b'{"name": "\xc0\x80"}',
    "a NUL in a value": b'{"name": "a\\u0000b"}',
    "a NUL in a name": b'{"na\\u0000me": 1}',
    "NUL bytes": b"\x00" * 64,
    "half a pair": b'{"name": "\\ud800"}',
    "a huge integer": b'{"quantity": ' + b"9" * 5000 + b"}",
    "an integer past 64 bits": b'{"quantity": 18446744073709551616}',
    "an endless number": b'{"quantity": 1e999999}',
    "NaN": b'{"quantity": NaN}',
    "a deep list": b"[" * DEEP + b"]" * DEEP,
    "a deep object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a name twice": b'{"name": "a", "name": "b"}',
    "a list": b"[]",
    "a text": b'"text"',
    "null": b"null",
    "cut short": b'{"name": ',
    "nothing": b"",
    "CSV with a NUL": b"sku,name\na\x00b,c\n",
    "an unclosed quote": b'sku,name\n"a,b\n',
}
#: Texts that a query, a path or a header may carry.
TEXTS: dict[str, str] = {
    "a NUL": "%00",
    "not UTF-8": "%ff%fe",
    "a huge number": "9" * 400,
    "past 64 bits": "18446744073709551616",
    "negative": "-9223372036854775809",
    "half a pair": "%ed%a0%80",
    "quotes": "%27%22%3B--",
    "a line break": "%0d%0aX-Injected%3A%201",
    "long": "a" * 4000,
}


def operations() -> Iterator[Any]:
    """Yield every operation with its id as the test's name."""
    for path, method, told in operation_paths():
        yield pytest.param(path, method, told, id=told["operationId"])


def promised(answer: Answer, told: dict[str, Any]) -> None:
    """Hold an answer to what is promised of every answer."""
    assert answer.status < 500, answer.body
    assert str(answer.status) in told["responses"], answer.body
    assert "X-Injected" not in answer.headers
    if answer.headers.get("Content-Type", "").startswith("application/json") and answer.body:
        body = json.loads(answer.body)
        assert body["ok"] == (answer.status < 400)
        assert body["meta"]["request_id"]


@pytest.fixture
def ask(
    application: Application, owner: dict[str, str], two_brands: TwoBrands
) -> Callable[..., Answer]:
    """Send raw bytes as the brand's owner."""
    headers = {**owner, "X-Workspace-Id": str(two_brands.own.world.brand.id)}

    def send(method: str, target: str, **sent: Any) -> Answer:
        more = sent.pop("headers", {})
        return call(application, method.upper(), target, headers={**headers, **more}, **sent)

    return send


def filled(path: str, text: str) -> str:
    """Return a path with every argument replaced by ``text``."""
    return "/".join(text if part.startswith("{") else part for part in path.split("/"))


TYPES = ("application/json", "text/csv", "multipart/form-data; boundary=x")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "method", "told"), list(operations()))
def test_a_body_that_cannot_be_read_is_refused_and_never_an_error_of_ours(
    path: str, method: str, told: dict[str, Any], ask: Callable[..., Answer]
):
    answered: Counter[int] = Counter()
    reads_bodies = "requestBody" in told
    for number, raw in enumerate(BODIES.values()):
        if not reads_bodies and number % 5:
            continue  # Nobody reads it, whichever it is.
        for content_type in TYPES if reads_bodies else TYPES[:1]:
            answer = ask(method, filled(path, NOBODY), raw=raw, content_type=content_type)
            promised(answer, told)
            answered[answer.status] += 1
    if reads_bodies:
        assert not {status for status in answered if status < 300} - {200}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "method", "told"), list(operations()))
def test_a_text_that_nobody_types_is_answered_like_any_other(
    path: str, method: str, told: dict[str, Any], ask: Callable[..., Answer]
):
    names = [item["name"] for item in told.get("parameters", []) if item["in"] == "query"]
    names.append("unknown")
    places = [*names, "X-Workspace-Id", "Idempotency-Key", "X-Request-Id"]
    for text in TEXTS.values():
        promised(ask(method, filled(path, text)), told)
        for place in places:
            if not taken(told["operationId"], place, text):
                continue
            if place in names:
                promised(ask(method, f"{filled(path, NOBODY)}?{place}={text}"), told)
            else:
                promised(ask(method, filled(path, NOBODY), headers={place: text}), told)
    for name in names:
        promised(ask(method, f"{filled(path, NOBODY)}?{name}=1&{name}=%00"), told)


def test_everything_described_is_asked():
    assert len(list(operations())) == sum(map(len, description()["paths"].values()))
