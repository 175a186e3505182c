"""What the demo makes of the API's answers."""

from typing import Any

import pytest

from demo.api_client import ApiClient
from demo.report import DemoFailed
from tests.demo.server import answering, found, refused


def pages(_: str, path: str, __: bytes) -> tuple[int, Any]:
    if "cursor=second" in path:
        return found([3], has_more=False)
    return found([1, 2], has_more=True, next_cursor="second")


def test_a_list_is_read_to_its_last_page() -> None:
    with answering(pages) as base:
        assert list(ApiClient(base).rows("/things/")) == [1, 2, 3]


def test_asking_for_one_row_of_many_fails() -> None:
    with answering(pages) as base, pytest.raises(DemoFailed, match="found 3 rows"):
        ApiClient(base).one("/things/")


def test_a_refusal_is_told_with_code_fields_and_request_id() -> None:
    fault = {"field": "gtin", "code": "INVALID", "message": "Wrong check digit."}

    def reply(*_: object) -> tuple[int, Any]:
        return refused(422, "MINT_BLOCKED", "It cannot be minted.", fault)

    with answering(reply) as base:
        answer = ApiClient(base).post("/mint-requests/", {})
        assert (answer.status, answer.reasons) == (422, ["INVALID"])
        with pytest.raises(DemoFailed) as failure:
            answer.require(202)
    assert str(failure.value) == (
        "POST /api/v1/mint-requests/ answered 422 MINT_BLOCKED: It cannot be minted.:"
        " gtin: Wrong check digit. (request r1)"
    )


def test_an_answer_that_is_no_json_is_told_by_its_status() -> None:
    answer = (502, b"<html>bad gateway</html>")
    with answering(lambda *_: answer) as base, pytest.raises(DemoFailed, match="answered 502"):
        ApiClient(base).get("/mint-kpis/").require(200)
