"""The WSGI callable behind granian's own interface: what it is told, and what is answered."""

import asyncio
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from resolver.bridge import Bridge, environ_of, in_threads


@dataclass
class Protocol:
    """Takes answers as granian does."""

    answers: list[tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=list)

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.answers.append((status, headers, b""))

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answers.append((status, headers, body))


def scope(path: str = "/", *headers: tuple[str, str], **said: str) -> Any:
    values = {
        "method": "GET",
        "path": path,
        "query_string": "",
        "client": "203.0.113.7:50000",
        "server": "127.0.0.1:8001",
        "http_version": "1.1",
        "scheme": "http",
        "authority": None,
        **said,
    }
    return SimpleNamespace(**values, headers=SimpleNamespace(items=lambda: list(headers)))


def answers(application: Callable, *scopes: Any) -> list[Any]:
    """Ask the application on a loop, all at once; return its answers, or its errors."""

    async def run() -> list[Any]:
        bridge = Bridge(application)
        bridge.__rsgi_init__(asyncio.get_running_loop())
        protocols = [Protocol() for _ in scopes]
        asked = [bridge.__rsgi__(*pair) for pair in zip(scopes, protocols, strict=True)]
        errors = await asyncio.gather(*asked, return_exceptions=True)
        return [
            error or protocol.answers for error, protocol in zip(errors, protocols, strict=True)
        ]

    return asyncio.run(run())


def test_a_request_is_told_as_the_standard_has_it():
    environ = environ_of(
        scope("/p/a", ("host", "codes.example"), ("user-agent", "x"), query_string="a=%20b")
    )
    wanted = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/p/a",
        "QUERY_STRING": "a=%20b",
        "REMOTE_ADDR": "203.0.113.7",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "codes.example",
        "HTTP_USER_AGENT": "x",
        "wsgi.url_scheme": "http",
    }
    assert {name: environ[name] for name in wanted} == wanted
    assert isinstance(environ["wsgi.input"], io.BytesIO)


def test_text_is_told_as_bytes_of_latin_1():
    environ = environ_of(scope("/01/é", query_string="ü=€"))
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/01/é"
    assert environ["QUERY_STRING"].encode("latin-1").decode() == "ü=€"


@pytest.mark.parametrize(
    ("client", "address"),
    [("[2001:db8::7]:1234", "2001:db8::7"), ("192.0.2.1:80", "192.0.2.1")],
)
def test_an_address_is_told_without_its_port(client: str, address: str):
    assert environ_of(scope(client=client))["REMOTE_ADDR"] == address


def test_a_header_that_comes_twice_is_one_list():
    environ = environ_of(scope("/", ("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")))
    assert environ["HTTP_X_FORWARDED_FOR"] == "1.1.1.1,2.2.2.2"


def test_no_header_passes_for_one_that_a_proxy_sets():
    environ = environ_of(scope("/", ("x_forwarded_for", "1.1.1.1"), ("content-length", "7")))
    assert not {"HTTP_X_FORWARDED_FOR", "HTTP_CONTENT_LENGTH", "CONTENT_LENGTH"} & set(environ)


def test_the_host_of_http_2_is_a_host():
    assert environ_of(scope(authority="codes.example"))["HTTP_HOST"] == "codes.example"
    told = environ_of(scope("/", ("host", "one.example"), authority="two.example"))
    assert told["HTTP_HOST"] == "one.example"


def test_an_answer_is_passed_on_with_and_without_a_body():
    def application(environ: dict, start_response: Callable) -> list[bytes]:
        start_response("404 Not Found", [("A", "b")])
        return [b"one ", b"two"] if environ["PATH_INFO"] == "/body" else [b""]

    found = answers(application, scope("/body"), scope("/"))
    assert found == [[(404, [("A", "b")], b"one two")], [(404, [("A", "b")], b"")]]


def test_an_answer_is_closed_once_it_is_read():
    closed: list[bool] = []

    class Parts(list):
        def close(self) -> None:
            closed.append(True)

    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [])
        return Parts([b"x"])

    assert answers(application, scope()) == [[(200, [], b"x")]]
    assert closed == [True]


def test_an_error_of_one_request_is_the_servers_to_log_and_no_others():
    def application(environ: dict, start_response: Callable) -> list[bytes]:
        if environ["PATH_INFO"] == "/bad":
            raise LookupError("bad")
        start_response("200 OK", [])
        return [b""]

    found = answers(application, scope("/bad"), scope("/good"))
    assert (type(found[0]), found[1]) == (LookupError, [(200, [], b"")])


@pytest.mark.parametrize("error", [StopIteration("x"), asyncio.CancelledError(), SystemExit(1)])
def test_what_is_no_ordinary_error_ends_its_request_alone(error: BaseException):
    def application(environ: dict, start_response: Callable) -> list[bytes]:
        if environ["PATH_INFO"] == "/bad":
            raise error
        start_response("200 OK", [])
        return [b""]

    found = answers(application, scope("/bad"), scope("/good"))
    assert (type(found[0]), found[1]) == (RuntimeError, [(200, [], b"")])


def test_what_keeps_a_thread_has_one_of_its_own_and_holds_nobody_up():
    others = threading.Event()

    def slow(_: dict, start_response: Callable) -> list[bytes]:
        assert threading.current_thread() is not threading.main_thread()
        start_response("200 OK", [("Who", "slow")])
        return [b"came" if others.wait(30) else b"was held up"]

    in_thread = in_threads(slow)

    def application(environ: dict, start_response: Callable) -> Any:
        if environ["PATH_INFO"] == "/slow":
            return in_thread(environ, start_response)
        others.set()
        start_response("307 Temporary Redirect", [])
        return [b""]

    found = answers(application, scope("/slow"), scope("/quick"))
    assert found == [[(200, [("Who", "slow")], b"came")], [(307, [], b"")]]


def test_many_requests_one_after_the_other_take_turns_of_a_few():
    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    async def run() -> int:
        bridge = Bridge(application)
        bridge.__rsgi_init__(asyncio.get_running_loop())
        for _ in range(20):
            await bridge.__rsgi__(scope(), Protocol())
        return len(bridge._turns.idle)

    assert asyncio.run(run()) == 1


def test_who_has_gone_is_not_answered():
    async def run() -> list[Any]:
        bridge = Bridge(waiting)
        bridge.__rsgi_init__(asyncio.get_running_loop())
        protocol = Protocol()
        asked = asyncio.ensure_future(bridge.__rsgi__(scope(), protocol))
        await asyncio.sleep(0)
        asked.cancel()
        gone.set()
        await asyncio.gather(asked, return_exceptions=True)
        while not bridge._turns.idle:
            await asyncio.sleep(0.01)
        return protocol.answers

    gone = threading.Event()

    def page(_: dict, start_response: Callable) -> list[bytes]:
        gone.wait(30)
        start_response("200 OK", [])
        return [b"page"]

    waiting = in_threads(page)
    assert asyncio.run(run()) == []
