"""The WSGI callable behind uvicorn's sockets: what it is told, and what clients are answered."""

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from resolver import bridge
from resolver.bridge import Bridge, in_threads

#: What a client waits for an answer that a sound server gives at once.
SECONDS = 30


def plain(_: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


@dataclass
class Answer:
    status: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    """One connection to the bridge."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode("latin-1") if isinstance(text, str) else text)

    async def answer(self, *, bare: bool = False) -> Answer:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), SECONDS)
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if bare else int(headers.get("content-length", 0))
        return Answer(
            first.removeprefix("HTTP/1.1 "), headers, await self.reader.readexactly(length)
        )

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        return await asyncio.wait_for(self.reader.read(), SECONDS)

    def close(self) -> None:
        self.writer.close()


@dataclass
class Served:
    """A listening bridge."""

    port: int
    state: ServerState

    async def client(self, sent: str | bytes = "") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        client.send(sent)
        return client

    async def answer(self, sent: str | bytes) -> Answer:
        client = await self.client(sent)
        try:
            return await client.answer()
        finally:
            client.close()


def served(
    application: Callable, talk: Callable[[Served], Awaitable[Any]], *, idle_seconds: int = 75
) -> Any:
    """Serve an application by the bridge for as long as somebody talks to it."""

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        config = Config(
            application,
            http=Bridge,
            interface="asgi3",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            timeout_keep_alive=idle_seconds,
        )
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Sun, 22 Nov 2026 22:00:00 GMT")]
        server = await loop.create_server(lambda: Bridge(config, state, {}, loop), "127.0.0.1", 0)
        async with server:
            return await talk(Served(server.sockets[0].getsockname()[1], state))

    return uvloop.run(run())


def told_of(sent: str | bytes) -> dict[str, Any]:
    """Return what the callable is told of a request."""
    told: list[dict[str, Any]] = []

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        told.append(environ)
        return plain(environ, start_response)

    served(application, lambda server: server.answer(sent))
    return told[0]


def answered(application: Callable, *sent: str | bytes) -> list[Answer]:
    """Return the answers to requests that come at the same time, by a connection each."""

    async def talk(server: Served) -> list[Answer]:
        return await asyncio.gather(*map(server.answer, sent))

    answers: list[Answer] = served(application, talk)
    return answers


def get(path: str, *headers: str, version: str = "1.1") -> str:
    return "\r\n".join((f"GET {path} HTTP/{version}", "Host: codes.example", *headers, "", ""))


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


def test_requests_that_do_not_wait_for_answers_are_answered_in_their_order():
    first_may_end = threading.Event()

    def slow(environ: dict, start_response: Callable) -> list[bytes]:
        assert first_may_end.wait(SECONDS)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    in_thread = in_threads(slow)

    def application(environ: dict, start_response: Callable) -> Any:
        if environ["PATH_INFO"] == "/0":
            return in_thread(environ, start_response)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    async def talk(server: Served) -> list[bytes]:
        client = await server.client("".join(get(f"/{at}") for at in range(40)))
        # Another one is answered meanwhile; whoever came first on a connection still comes first.
        assert (await server.answer(get("/other"))).body == b"/other"
        first_may_end.set()
        found = [(await client.answer()).body for _ in range(40)]
        client.send(get("/again"))
        return [*found, (await client.answer()).body]

    assert served(application, talk) == [*(b"/%d" % at for at in range(40)), b"/again"]


def test_many_requests_one_after_the_other_take_turns_of_a_few():
    async def talk(server: Served) -> int:
        client = await server.client()
        for _ in range(20):
            client.send(get("/"))
            await client.answer()
        return len(bridge._turns_of(asyncio.get_running_loop()).idle)

    assert served(plain, talk) == 1


def test_who_has_gone_is_not_answered():
    gone, ended = threading.Event(), threading.Event()

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        assert gone.wait(SECONDS)
        return plain(environ, start_response)

    async def talk(server: Served) -> int:
        client = await server.client(get("/"))
        while not server.state.connections:
            await asyncio.sleep(0.01)
        client.close()
        while server.state.connections:
            await asyncio.sleep(0.01)
        gone.set()
        while not bridge._turns_of(asyncio.get_running_loop()).idle:
            await asyncio.sleep(0.01)
        ended.set()
        return server.state.total_requests

    assert served(in_threads(page), talk) == 0
    assert ended.is_set()


def test_the_body_of_a_request_is_dropped_and_the_next_request_is_read():
    async def talk(server: Served) -> list[str]:
        body = b"x" * 1_000_000
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        client = await server.client(head.encode() + body + get("/").encode())
        chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        found = [await client.answer(), await client.answer()]
        client.send(chunked + "3\r\nabc\r\n0\r\n\r\n")
        return [answer.status for answer in (*found, await client.answer())]

    assert served(plain, talk) == ["200 OK"] * 3


def test_what_follows_a_body_is_none_of_the_headers():
    told: list[str | None] = []

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        told.append(environ["HTTP_HOST"])
        return plain(environ, start_response)

    async def talk(server: Served) -> None:
        head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        client = await server.client(
            head + "3\r\nabc\r\n0\r\nHost: b\r\nX-Forwarded-For: c\r\n\r\n"
        )
        await client.answer()
        client.send(get("/"))
        await client.answer()

    served(application, talk)
    assert told == ["a", "codes.example"]


def test_who_sends_too_many_requests_at_once_gets_answers_to_some_and_is_hung_up_on():
    async def talk(server: Served) -> bytes:
        return await (await server.client(get("/") * 1500)).rest()

    answers = served(plain, talk).count(b"HTTP/1.1 200 OK")
    # Some requests may have come in a piece of their own.
    assert bridge.MOST_AHEAD < answers < 1500


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_who_asks_for_it_is_hung_up_on_after_the_answer(version: str):
    asked = () if version == "1.0" else ("Connection: close",)

    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(get("/", *asked, version=version))
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.headers["connection"], found.body, rest) == ("close", b"ok", b"")


def test_who_wants_another_protocol_is_answered_by_this_one():
    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(
            get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA")
        )
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.status, found.headers["connection"], rest) == ("200 OK", "close", b"")


@pytest.mark.parametrize(
    "sent",
    [
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    ],
    ids=["TLS", "no value", "no ASCII", "two ends", "two lengths"],
)
def test_what_is_no_http_is_refused_and_hung_up_on(sent: str):
    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(sent)
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.status, found.headers["connection"]) == ("400 Bad Request", "close")
    assert rest == b""


def test_what_was_asked_before_nonsense_is_answered():
    async def talk(server: Served) -> tuple[list[bytes], bytes]:
        client = await server.client(get("/") + get("/") + "nonsense\r\n\r\n")
        return [(await client.answer()).body for _ in range(2)], await client.rest()

    assert served(plain, talk) == ([b"ok", b"ok"], b"")


@pytest.mark.parametrize("sent", ["GET /" + "a" * 70_000, get("/", "A: " + "a" * 70_000), ""])
def test_a_head_without_an_end_is_refused_once_it_is_too_long(sent: str):
    sent = sent or get("/").removesuffix("\r\n") + "".join(f"A{at}: b\r\n" for at in range(9000))

    async def talk(server: Served) -> str:
        client = await server.client()
        for at in range(0, 66_000, 11_000):
            client.send(sent[at : at + 11_000])
            await asyncio.sleep(0.01)
        return (await client.answer()).status

    assert served(plain, talk) == "431 Request Header Fields Too Large"


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a request"],
)
def test_who_does_not_end_a_request_is_hung_up_on(sent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.1)

    async def talk(server: Served) -> bytes:
        return await (await server.client(sent)).rest()

    found = served(plain, talk)
    assert found.startswith(b"HTTP/1.1 200 OK") == sent.startswith("POST")


def test_who_asks_no_more_is_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.1)

    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(get("/"))
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk, idle_seconds=0)
    assert (found.status, rest) == ("200 OK", b"")


def test_who_waits_for_an_answer_has_all_the_time_it_takes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.02)
    looked: list[int] = []
    look_at_time = Bridge._look_at_time
    enough = threading.Event()

    def look(self: Bridge) -> None:
        looked.append(1)
        if len(looked) > 5:
            enough.set()
        look_at_time(self)

    monkeypatch.setattr(Bridge, "_look_at_time", look)

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        assert enough.wait(SECONDS)
        return plain(environ, start_response)

    (found,) = answered(in_threads(page), get("/"))
    assert found.body == b"ok"


def test_who_takes_no_answers_is_not_asked_for_more_and_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.3)
    given: list[int] = []

    def application(_: dict, start_response: Callable) -> list[bytes]:
        given.append(1)
        start_response("200 OK", [])
        return [b"x" * 1_000_000]

    async def talk(server: Served) -> None:
        client = await server.client(get("/") * 60)
        while not server.state.connections:
            await asyncio.sleep(0.01)
        while server.state.connections:
            await asyncio.sleep(0.01)
        client.close()

    served(application, talk, idle_seconds=1)
    # What the kernel takes for two sockets, and one more.
    assert 0 < len(given) < 40


def test_who_takes_answers_late_gets_them_all():
    async def talk(server: Served) -> list[int]:
        client = await server.client(get("/") * 30)
        await asyncio.sleep(0.2)
        return [len((await client.answer()).body) for _ in range(30)]

    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [])
        return [b"x" * 1_000_000]

    assert served(application, talk) == [1_000_000] * 30


def test_a_stop_answers_what_is_asked_and_closes_what_is_idle():
    may_end = threading.Event()

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        assert may_end.wait(SECONDS)
        return plain(environ, start_response)

    in_thread = in_threads(page)

    def application(environ: dict, start_response: Callable) -> Any:
        serve = in_thread if environ["PATH_INFO"] == "/slow" else plain
        return serve(environ, start_response)

    async def talk(server: Served) -> tuple[bytes, Answer, bytes]:
        idle, busy = await server.client(get("/")), await server.client(get("/slow") * 2)
        await idle.answer()
        while len(server.state.connections) < 2 or not any(
            connection._present for connection in server.state.connections
        ):
            await asyncio.sleep(0.01)
        for connection in list(server.state.connections):
            connection.shutdown()
        closed = await idle.rest()
        may_end.set()
        return closed, await busy.answer(), await busy.rest()

    closed, found, rest = served(application, talk)
    assert (closed, found.body, found.headers["connection"], rest) == (b"", b"ok", "close", b"")
