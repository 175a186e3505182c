"""The WSGI callable behind uvicorn's sockets: what it is told, and what is answered."""

import asyncio
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from resolver import bridge
from resolver.bridge import in_threads
from resolver.digital_link import RAW_PATH
from tests.resolver.connecting import SECONDS, Answer, Served, answered, get, plain, served


def told_of(sent: str | bytes) -> dict[str, Any]:
    """Return what the callable is told of a request."""
    told: list[dict[str, Any]] = []

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        told.append(environ)
        return plain(environ, start_response)

    served(application, lambda server: server.answer(sent))
    return told[0]


def test_a_request_is_told_as_the_standard_has_it():
    environ = told_of(get("/p/a?a=%20b", "User-Agent: x"))
    wanted = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/p/a",
        "QUERY_STRING": "a=%20b",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "codes.example",
        "HTTP_USER_AGENT": "x",
        "wsgi.url_scheme": "http",
    }
    assert {name: environ[name] for name in wanted} == wanted
    assert environ["SERVER_PORT"].isdigit()
    assert isinstance(environ["wsgi.input"], io.BytesIO)


def test_text_is_told_as_bytes_of_latin_1():
    environ = told_of(get("/01/%C3%A9%FF%2F%2541?q=%C3%A9", "User-Agent: T\xe9l\xe9phone"))
    assert environ["PATH_INFO"] == "/01/Ã©\xff/%41"
    assert environ["QUERY_STRING"] == "q=%C3%A9"
    assert environ["HTTP_USER_AGENT"] == "T\xe9l\xe9phone"


def test_a_path_with_an_encoded_slash_is_told_as_it_came_too():
    assert told_of(get("/01/a%2fb%2541"))[RAW_PATH] == "/01/a%2fb%2541"
    assert RAW_PATH not in told_of(get("/01/a/b%25"))


@pytest.mark.parametrize("address", ["http://other.example/a?b=c", "/a?b=c#d"])
def test_an_address_is_told_as_its_path_and_query(address: str):
    environ = told_of(get(address))
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a", "b=c")
    assert environ["HTTP_HOST"] == "codes.example"


def test_a_request_that_comes_in_pieces_is_one():
    async def talk(server: Served) -> Answer:
        client = await server.client()
        for byte in get("/abc?d=e", "User-Agent: one two").encode():
            client.send(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        return await client.answer()

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [])
        names = ("PATH_INFO", "QUERY_STRING", "HTTP_USER_AGENT")
        return ["|".join(environ[name] for name in names).encode()]

    assert served(application, talk).body == b"/abc|d=e|one two"


def test_a_header_that_comes_twice_is_one_list():
    environ = told_of(get("/", "X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 2.2.2.2"))
    assert environ["HTTP_X_FORWARDED_FOR"] == "1.1.1.1,2.2.2.2"


def test_no_header_passes_for_one_that_a_proxy_sets_nor_for_what_the_server_says():
    environ = told_of(
        get("/", "X_Forwarded_For: 1.1.1.1", "REMOTE_ADDR: 9.9.9.9", "Remote-Addr: 9.9.9.9")
    )
    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


def test_an_answer_is_passed_on_with_and_without_a_body():
    def application(environ: dict, start_response: Callable) -> list[bytes]:
        start_response("404 Not Found", [("A", "b")])
        return [b"one ", b"two"] if environ["PATH_INFO"] == "/body" else [b""]

    with_body, without = answered(application, get("/body"), get("/"))
    date = {"date": "Sun, 22 Nov 2026 22:00:00 GMT"}
    assert with_body == Answer(
        "404 Not Found", {"a": "b", "content-length": "7", **date}, b"one two"
    )
    assert without == Answer("404 Not Found", {"a": "b", "content-length": "0", **date}, b"")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_has_no_body_says_nothing_of_its_length(status: str):
    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response(status, [])
        return [b""]

    (found,) = answered(application, get("/"))
    assert "content-length" not in found.headers


def test_head_gets_the_length_and_not_the_body():
    async def talk(server: Served) -> tuple[Answer, Answer]:
        client = await server.client(get("/").replace("GET", "HEAD", 1))
        head = await client.answer(bare=True)
        client.send(get("/"))
        return head, await client.answer()

    head, whole = served(plain, talk)
    assert (head.headers, head.body, whole.body) == (whole.headers, b"", b"ok")


def test_an_answer_is_closed_once_it_is_read():
    closed: list[bool] = []

    class Parts(list):
        def close(self) -> None:
            closed.append(True)

    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [])
        return Parts([b"x"])

    assert [found.body for found in answered(application, get("/"))] == [b"x"]
    assert closed == [True]


@pytest.mark.parametrize(
    "error",
    [LookupError("x"), StopIteration("x"), asyncio.CancelledError(), SystemExit(1)],
    ids=repr,
)
def test_whatever_goes_wrong_ends_its_request_alone_and_is_logged(
    error: BaseException, caplog: pytest.LogCaptureFixture
):
    def application(environ: dict, start_response: Callable) -> list[bytes]:
        if environ["PATH_INFO"] == "/bad":
            raise error
        return plain(environ, start_response)

    bad, good = answered(application, get("/bad"), get("/good"))
    assert (bad.status, good.status) == ("500 Internal Server Error", "200 OK")
    assert bad.body == b"Internal Server Error"
    assert "request_failed" in caplog.text


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "\N{EURO SIGN}"])
def test_no_header_of_an_answer_can_hold_another(value: str):
    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [("Location", value)])
        return [b""]

    (found,) = answered(application, get("/"))
    assert found.status == "500 Internal Server Error"
    assert not {"location", "set-cookie"} & set(found.headers)


def test_what_keeps_a_thread_has_one_of_its_own_and_holds_nobody_up():
    others = threading.Event()

    def slow(_: dict, start_response: Callable) -> list[bytes]:
        assert threading.current_thread() is not threading.main_thread()
        start_response("200 OK", [("Who", "slow")])
        return [b"came" if others.wait(SECONDS) else b"was held up"]

    in_thread = in_threads(slow)

    def application(environ: dict, start_response: Callable) -> Any:
        if environ["PATH_INFO"] == "/slow":
            return in_thread(environ, start_response)
        others.set()
        start_response("307 Temporary Redirect", [])
        return [b""]

    slow_one, quick = answered(application, get("/slow"), get("/quick"))
    assert (slow_one.headers["who"], slow_one.body) == ("slow", b"came")
    assert quick.status == "307 Temporary Redirect"


def test_many_requests_one_after_the_other_take_turns_of_a_few():
    async def talk(server: Served) -> int:
        client = await server.client()
        for _ in range(20):
            client.send(get("/"))
            await client.answer()
        return len(bridge._turns_of(asyncio.get_running_loop()).idle)

    assert served(plain, talk) == 1
