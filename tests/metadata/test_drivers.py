"""The three places over HTTP: what is sent, what is believed, and how each of them fails."""

import base64
import hashlib
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event
from typing import Any

import pytest

from exports import storage
from minting.metadata.drivers import choosing, exchange
from minting.metadata.drivers.embedded import EmbeddedStore, key_of
from minting.metadata.drivers.interface import OtherCid, PinningDriver, ToldToWait
from minting.metadata.drivers.kubo import Kubo
from minting.metadata.drivers.pinata import Pinata
from tests.metadata.kubo_node import KuboNode, raw_cid
from tests.metadata.pinata_account import JWT, KEY, SECRET, PinataAccount
from tests.metadata.serving import Fault, Service, as_json
from tieback.errors import Missing, PermanentError, TransientError
from tieback.stack.ports import free_ports

CONTENT = b'{"name":"Fjell jacket"}\r\n--boundary\x00\xff'
CID = raw_cid(CONTENT)
OTHER = raw_cid(b"another")


def kubo(node: KuboNode) -> Kubo:
    return Kubo(node.url)


def pinata(account: PinataAccount, **given: str) -> Pinata:
    keys = {"jwt": JWT, "api_key": "", "secret_key": "", **given}
    return Pinata(**keys, api=account.url, uploads=account.url, gateway=account.url)


@pytest.fixture(params=["embedded", "kubo", "pinata by token", "pinata by key"])
def place(request: pytest.FixtureRequest) -> PinningDriver:
    """Each place in turn."""
    if request.param == "embedded":
        request.getfixturevalue("bucket")
        return EmbeddedStore()
    if request.param == "kubo":
        return kubo(request.getfixturevalue("node"))
    account = request.getfixturevalue("account")
    if request.param == "pinata by token":
        return pinata(account)
    return pinata(account, jwt="", api_key=KEY, secret_key=SECRET)


def test_what_is_pinned_is_held_and_comes_back_byte_for_byte(place: PinningDriver) -> None:
    place.pin(CID, CONTENT)
    assert place.holds(CID)
    assert place.fetch(CID) == CONTENT


def test_pinning_twice_changes_nothing(place: PinningDriver) -> None:
    for _ in range(2):
        place.pin(CID, CONTENT)
    assert place.fetch(CID) == CONTENT


def test_what_was_never_pinned_is_not_held(place: PinningDriver) -> None:
    assert not place.holds(OTHER)
    with pytest.raises(Missing):
        place.fetch(OTHER)


# The embedded store


def test_the_embedded_store_keeps_a_raw_block_under_its_cid(bucket: None) -> None:
    EmbeddedStore().pin(CID, CONTENT)
    assert key_of(CID) == f"ipfs/{CID}"
    assert storage.read(f"ipfs/{CID}") == CONTENT


def test_the_embedded_store_does_not_hold_what_was_changed_under_a_cid(bucket: None) -> None:
    changed = raw_cid(b"first")
    digest = hashlib.sha256(b"second").digest()
    storage.put(key_of(changed), b"second", sha256=digest, content_type="text/plain")
    assert not EmbeddedStore().holds(changed)


def test_the_embedded_store_says_no_host_when_the_bucket_is_away(settings: Any) -> None:
    (port,) = free_ports(1)
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{port}"
    storage.forget_clients()
    try:
        with pytest.raises(TransientError, match="object storage did not answer") as caught:
            EmbeddedStore().pin(CID, CONTENT)
        assert str(port) not in str(caught.value)
    finally:
        storage.forget_clients()


# Kubo


def test_kubo_is_sent_the_block_as_it_is_and_pins_it(node: KuboNode) -> None:
    kubo(node).pin(CID, CONTENT)
    (asked,) = node.asked
    assert (asked.method, asked.path) == ("POST", "/api/v0/block/put")
    assert asked.query == {
        "cid-codec": "raw",
        "mhtype": "sha2-256",
        "pin": "true",
        "timeout": "15s",
    }
    assert asked.parts == {"data": CONTENT}
    assert node.pinned == {CID}


def test_kubo_is_asked_for_what_it_has_itself(node: KuboNode) -> None:
    kubo(node).pin(CID, CONTENT)
    kubo(node).fetch(CID)
    assert node.asked[-1].query["offline"] == "true"


def test_a_block_that_kubo_has_and_has_not_pinned_is_not_held(node: KuboNode) -> None:
    kubo(node).pin(CID, CONTENT)
    node.pinned.clear()
    assert not kubo(node).holds(CID)
    assert kubo(node).fetch(CID) == CONTENT


def test_name_and_password_in_the_address_reach_the_node_and_no_error(node: KuboNode) -> None:
    node.authorization = f"Basic {base64.b64encode(b'ines:harbour-92').decode()}"
    address = node.url.replace("http://", "http://ines:harbour-92@")
    Kubo(f"{address}/").pin(CID, CONTENT)
    node.authorization = "Basic other"
    with pytest.raises(PermanentError, match="refused our key \\(403\\)") as caught:
        Kubo(address).pin(CID, CONTENT)
    assert "harbour" not in told_by(caught.value)


# Pinata


def test_a_token_uploads_to_the_public_network(account: PinataAccount) -> None:
    pinata(account).pin(CID, CONTENT)
    (asked,) = account.asked
    assert (asked.method, asked.path) == ("POST", "/v3/files")
    assert asked.headers["authorization"] == f"Bearer {JWT}"
    assert asked.parts == {"network": b"public", "name": CID.encode(), "file": CONTENT}
    assert (account.files, account.private) == ({CID: CONTENT}, {})


def test_key_and_secret_ask_the_pinning_api_for_version_1(account: PinataAccount) -> None:
    pinata(account, jwt="", api_key=KEY, secret_key=SECRET).pin(CID, CONTENT)
    (asked,) = account.asked
    assert (asked.method, asked.path) == ("POST", "/pinning/pinFileToIPFS")
    assert asked.headers["pinata_api_key"] == KEY
    assert asked.headers["pinata_secret_api_key"] == SECRET
    assert "authorization" not in asked.headers
    assert asked.parts["pinataOptions"] == b'{"cidVersion": 1}'
    assert account.pins == {CID: CONTENT}


def test_the_gateway_is_told_no_key(account: PinataAccount) -> None:
    place = pinata(account)
    place.pin(CID, CONTENT)
    place.fetch(CID)
    asked = account.asked[-1]
    assert asked.path == f"/ipfs/{CID}"
    assert not {"authorization", "pinata_api_key", "pinata_secret_api_key"} & set(asked.headers)


@pytest.mark.parametrize(
    "given", [{"jwt": "a-wrong-token"}, {"jwt": "", "api_key": KEY, "secret_key": "wrong-secret"}]
)
def test_a_wrong_key_is_refused_for_good_and_never_told(
    account: PinataAccount, given: dict[str, str]
) -> None:
    place = pinata(account, **given)
    for call in (lambda: place.pin(CID, CONTENT), lambda: place.holds(CID)):
        with pytest.raises(PermanentError, match="Pinata refused our key \\(401\\)") as caught:
            call()
        told = told_by(caught.value)
        assert not [secret for secret in given.values() if secret and secret in told]


# Both


def told_by(error: BaseException) -> str:
    """Return everything that a log would have of an error."""
    return "".join(traceback.format_exception(error))


@pytest.fixture(params=["kubo", "pinata"])
def far(request: pytest.FixtureRequest) -> tuple[Service, PinningDriver]:
    """Each place that is reached over HTTP, and its service."""
    if request.param == "kubo":
        node = request.getfixturevalue("node")
        return node, kubo(node)
    account = request.getfixturevalue("account")
    return account, pinata(account)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(500, b"oops"), TransientError),
        (Fault(502, b"<html>"), TransientError),
        (Fault(503), TransientError),
        (Fault(504), TransientError),
        (Fault(408), TransientError),
        (Fault(0), TransientError),
        (Fault(200, b"<html>signed out</html>"), TransientError),
        (Fault(200, b"[]"), TransientError),
        (Fault(200, b"[" * 50_000), TransientError),
        (Fault(400), PermanentError),
        (Fault(401), PermanentError),
        (Fault(402), PermanentError),
        (Fault(403), PermanentError),
        (Fault(404), PermanentError),
        (Fault(413), PermanentError),
        (Fault(302, headers={"Location": "http://127.0.0.1:9/"}), PermanentError),
        (as_json(200, {}), OtherCid),
        (as_json(200, {"Key": OTHER, "data": {"cid": OTHER}}), OtherCid),
        (as_json(200, {"Key": None, "data": "nothing"}), OtherCid),
        (Fault(200, b"x" * 300_000), PermanentError),
    ],
    ids=lambda one: f"{one.status} {one.body[:12]!r}" if isinstance(one, Fault) else one.__name__,
)
def test_each_way_of_failing_is_passing_or_for_good(
    far: tuple[Service, PinningDriver], fault: Fault, error: type[Exception]
) -> None:
    service, place = far
    service.faults.append(fault)
    with pytest.raises(error) as caught:
        place.pin(CID, CONTENT)
    assert service.url not in told_by(caught.value)
    assert JWT not in told_by(caught.value)


def test_a_redirect_is_not_followed_with_our_keys(far: tuple[Service, PinningDriver]) -> None:
    service, place = far
    service.faults.append(Fault(307, headers={"Location": f"{service.url}/elsewhere"}))
    with pytest.raises(PermanentError):
        place.pin(CID, CONTENT)
    assert len(service.asked) == 1


def test_an_address_where_nobody_listens_may_answer_later() -> None:
    (port,) = free_ports(1)
    with pytest.raises(TransientError, match="the IPFS node did not answer: ConnectError"):
        Kubo(f"http://127.0.0.1:{port}").pin(CID, CONTENT)


def test_a_place_that_says_nothing_is_given_up(
    far: tuple[Service, PinningDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, place = far
    monkeypatch.setattr(exchange, "TIMEOUT", 0.05)
    over = Event()
    monkeypatch.setattr(service, "answer", lambda asked: Fault(200) if over.wait(30) else Fault(0))
    with pytest.raises(TransientError, match="did not answer: ReadTimeout"):
        place.pin(CID, CONTENT)
    over.set()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("86400", 3600),
        ("", 30),
        ("soon", 30),
        ("-5", 30),
    ],
)
def test_a_busy_place_says_how_long_to_wait(
    far: tuple[Service, PinningDriver], header: str, seconds: float
) -> None:
    service, place = far
    service.faults.append(Fault(429, headers={"Retry-After": header} if header else {}))
    with pytest.raises(ToldToWait) as caught:
        place.pin(CID, CONTENT)
    assert caught.value.seconds == seconds


def test_a_busy_place_may_name_a_moment(far: tuple[Service, PinningDriver]) -> None:
    service, place = far
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    service.faults.append(Fault(429, headers={"Retry-After": moment}))
    with pytest.raises(ToldToWait) as caught:
        place.pin(CID, CONTENT)
    assert 500 < caught.value.seconds <= 600


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {"files": "x"}}, {"rows": [None]}])
def test_a_list_that_is_none_holds_nothing(account: PinataAccount, answer: dict[str, Any]) -> None:
    for place in (pinata(account), pinata(account, jwt="", api_key=KEY, secret_key=SECRET)):
        account.faults.append(as_json(200, answer))
        assert not place.holds(CID)


# The settings


def test_the_settings_choose_the_place(settings: Any) -> None:
    settings.IPFS_API_URL, settings.PINATA_JWT = "http://127.0.0.1:5001", JWT
    for name, kind in (("embedded", EmbeddedStore), ("kubo", Kubo), ("pinata", Pinata)):
        settings.IPFS_PROVIDER = name
        assert isinstance(choosing.chosen_driver(), kind)
        assert choosing.chosen_driver().name == name
