"""Keys held in this process: how they are given, what is refused, and that nothing shows them."""

import base64
import copy
import json
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from minting.chain.wallets.given import CREATOR_KEYPAIR, KEYPAIR, GivenKey, Rules, Wallets
from minting.chain.wallets.given import read_wallets as read_given
from minting.chain.wallets.payer import NoKeyError, chain_is_on, payer, tree_creator
from minting.chain.wallets.signer import HeldKey
from tests.chain.wallets.leaks import leaked, told

NONE = dict.fromkeys(
    (
        *("SOLANA_KEYPAIR", "WALLET_PRIVATE_KEY", "WALLET_PATH", "SOLANA_KEY_SOURCE"),
        *("SOLANA_KEY_NAME", "SOLANA_TREE_CREATOR_KEYPAIR"),
    ),
    "",
)
ELSEWHERE = Rules(Path("/nowhere"), Path("/nowhere/home"), is_production=True)


def read(rules: Rules = ELSEWHERE, **given: str) -> Wallets:
    return read_given({**NONE, **given}, rules, {})


def refusal(rules: Rules = ELSEWHERE, **given: str) -> str:
    wallets = read(rules, **given)
    assert wallets.payer is None or wallets.creator is None
    (problem,) = wallets.problems
    return problem


def address_in(key: GivenKey | None) -> str:
    assert key is not None
    assert key.keypair is not None
    return str(HeldKey(key.keypair).address)


def as_json(keypair: Keypair) -> str:
    return json.dumps(list(bytes(keypair)))


def as_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.fixture
def file(tmp_path: Path, keypair: Keypair) -> Path:
    """A file as solana-keygen writes it."""
    path = tmp_path / "payer.json"
    path.write_text(as_json(keypair))
    path.chmod(0o600)
    return path


def test_without_a_word_there_is_no_key() -> None:
    assert read() == Wallets()


def test_a_keypair_is_read_in_every_form_it_is_written_in(keypair: Keypair, file: Path) -> None:
    for given in (
        {"SOLANA_KEYPAIR": as_json(keypair)},
        {"SOLANA_KEYPAIR": json.dumps(list(bytes(keypair)), separators=(",", ":")) + "\n"},
        {"SOLANA_KEYPAIR": str(keypair)},
        {"WALLET_PRIVATE_KEY": as_base64(bytes(keypair))},
        {"WALLET_PATH": str(file)},
    ):
        wallets = read(**given)
        assert wallets.problems == ()
        assert address_in(wallets.payer) == str(keypair.pubkey())


def test_a_signature_is_the_address_s(keypair: Keypair) -> None:
    key = read(SOLANA_KEYPAIR=str(keypair)).payer
    assert key is not None
    assert key.keypair is not None
    signer = HeldKey(key.keypair)
    assert signer.sign(b"a message").verify(keypair.pubkey(), b"a message")


def wrong_keys(keypair: Keypair) -> dict[str, dict[str, str]]:
    """Return what people give in place of a key, by what is said of it."""
    raw, other = bytes(keypair), bytes(Keypair())
    numbers = list(raw)
    return {
        "SOLANA_KEYPAIR holds no keypair": {"SOLANA_KEYPAIR": f"{keypair}0OIl"},
        "SOLANA_KEYPAIR holds no keypair: ": {"SOLANA_KEYPAIR": json.dumps(numbers)[:-1]},
        "SOLANA_KEYPAIR holds no keypair: g": {"SOLANA_KEYPAIR": json.dumps([*numbers[:-1], 256])},
        "SOLANA_KEYPAIR holds no keypair: gi": {"SOLANA_KEYPAIR": json.dumps([*numbers, "x"])},
        "SOLANA_KEYPAIR holds no keypair: giv": {"SOLANA_KEYPAIR": as_base64(raw)},
        "SOLANA_KEYPAIR holds 63 bytes": {"SOLANA_KEYPAIR": json.dumps(numbers[:-1])},
        "SOLANA_KEYPAIR holds 32 bytes": {"SOLANA_KEYPAIR": json.dumps(numbers[:32])},
        "SOLANA_KEYPAIR holds two halves that do not belong together": {
            "SOLANA_KEYPAIR": json.dumps(list(raw[:32] + other[32:]))
        },
        "WALLET_PRIVATE_KEY is no base64": {"WALLET_PRIVATE_KEY": as_json(keypair)},
        "WALLET_PRIVATE_KEY holds 32 bytes": {"WALLET_PRIVATE_KEY": as_base64(raw[:32])},
        "WALLET_PRIVATE_KEY holds two halves": {
            "WALLET_PRIVATE_KEY": as_base64(raw[:32] + other[32:])
        },
        "WALLET_PATH names no file that can be read": {"WALLET_PATH": str(keypair)},
        "WALLET_PATH names no file that can be": {"WALLET_PATH": as_json(keypair) * 2},
        "SOLANA_KEY_NAME holds a key": {
            "SOLANA_KEY_SOURCE": "aws-kms",
            "SOLANA_KEY_NAME": str(keypair),
        },
        "SOLANA_KEY_NAME holds a key: it": {
            "SOLANA_KEY_SOURCE": "vault",
            "SOLANA_KEY_NAME": as_json(keypair),
        },
        "SOLANA_KEY_NAME is set and SOLANA_KEY_SOURCE is env": {"SOLANA_KEY_NAME": str(keypair)},
        "SOLANA_KEYPAIR is set and SOLANA_KEY_SOURCE is aws-kms": {
            "SOLANA_KEYPAIR": str(keypair),
            "SOLANA_KEY_SOURCE": "aws-kms",
            "SOLANA_KEY_NAME": "alias/payer",
        },
        "SOLANA_KEYPAIR and WALLET_PRIVATE_KEY are set": {
            "SOLANA_KEYPAIR": str(keypair),
            "WALLET_PRIVATE_KEY": as_base64(raw),
        },
        "SOLANA_TREE_CREATOR_KEYPAIR holds 63 bytes": {
            "SOLANA_TREE_CREATOR_KEYPAIR": json.dumps(numbers[1:])
        },
    }


def test_what_is_no_key_is_refused_by_its_setting_and_never_repeated(keypair: Keypair) -> None:
    for said, given in wrong_keys(keypair).items():
        problem = refusal(**given)
        assert problem.startswith(said), given.keys()
        assert ": " in problem, "no remedy"
        assert not leaked(problem, keypair)


def test_a_key_and_its_file_are_one_too_many(keypair: Keypair) -> None:
    environ = {"SOLANA_KEYPAIR": str(keypair), "SOLANA_KEYPAIR_FILE": "/run/secrets/payer"}
    wallets = read_given({**NONE, "SOLANA_KEYPAIR": str(keypair)}, ELSEWHERE, environ)
    assert wallets.problems == (
        "SOLANA_KEYPAIR and SOLANA_KEYPAIR_FILE are set: leave one of them out",
    )


def test_a_file_inside_the_repository_is_refused_unless_it_is_the_home_s(
    file: Path, tmp_path: Path
) -> None:
    inside = Rules(tmp_path, tmp_path / "home", is_production=False)
    assert "inside the repository" in refusal(inside, WALLET_PATH=str(file))
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(file)
    assert "inside the repository" in refusal(inside, WALLET_PATH=str(link))
    own = Rules(tmp_path.parent, tmp_path, is_production=False)
    assert read(own, WALLET_PATH=str(file)).problems == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_open_is_refused_in_production_alone(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert "chmod 600" in refusal(WALLET_PATH=str(file))
    at_home = Rules(Path("/nowhere"), Path("/nowhere/home"), is_production=False)
    assert read(at_home, WALLET_PATH=str(file)).problems == ()


def test_a_file_that_is_no_text_is_refused(file: Path, keypair: Keypair) -> None:
    file.write_bytes(b"\xff" + bytes(keypair))
    problem = refusal(WALLET_PATH=str(file))
    assert problem.startswith("WALLET_PATH names no file that can be read")


def test_nothing_shows_the_key_that_a_process_holds(
    keypair: Keypair, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOLANA_NETWORK = "devchain"
    settings.SOLANA_PAYER = read(SOLANA_KEYPAIR=str(keypair)).payer
    signer = payer()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tests").warning("%s %r %s", signer, signer, settings.SOLANA_PAYER)
    shown = [repr(signer), str(signer), f"{signer}", repr(settings.SOLANA_PAYER), caplog.text]
    shown += [repr(read(SOLANA_KEYPAIR=str(keypair))), repr(settings.SOLANA_PAYER.keypair)]
    shown += [str(getattr(signer, "__dict__", ""))]
    assert repr(signer) == f"<HeldKey {keypair.pubkey()}>"
    assert not leaked("\n".join(shown), keypair)


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_key_is_neither_copied_nor_sent(keypair: Keypair, send: Any) -> None:
    given = read(SOLANA_KEYPAIR=str(keypair)).payer
    assert given is not None
    assert given.keypair is not None
    for key in (given.keypair, HeldKey(given.keypair)):
        with pytest.raises(TypeError) as caught:
            send(key)
        assert not leaked(told(caught.value), keypair)


def test_the_payer_creates_trees_unless_somebody_else_does(keypair: Keypair, settings: Any) -> None:
    settings.SOLANA_NETWORK = "devchain"
    wallets = read(SOLANA_KEYPAIR=str(keypair))
    settings.SOLANA_PAYER, settings.SOLANA_TREE_CREATOR = wallets.payer, None
    assert chain_is_on()
    assert tree_creator() is payer()


def test_trees_have_a_creator_of_their_own_where_one_is_set(
    keypair: Keypair, settings: Any
) -> None:
    creator = Keypair()
    wallets = read(**{KEYPAIR: str(keypair), CREATOR_KEYPAIR: as_json(creator)})
    settings.SOLANA_NETWORK = "devchain"
    settings.SOLANA_PAYER, settings.SOLANA_TREE_CREATOR = wallets.payer, wallets.creator
    assert payer().address == keypair.pubkey()
    assert tree_creator().address == creator.pubkey()


@pytest.mark.parametrize("missing", ["SOLANA_NETWORK", "SOLANA_PAYER"])
def test_without_network_or_key_there_is_no_chain(
    keypair: Keypair, settings: Any, missing: str
) -> None:
    settings.SOLANA_NETWORK = "" if missing == "SOLANA_NETWORK" else "devchain"
    given = read(SOLANA_KEYPAIR=str(keypair)).payer
    settings.SOLANA_PAYER = None if missing == "SOLANA_PAYER" else given
    assert not chain_is_on()
    for ask in (payer, tree_creator):
        with pytest.raises(NoKeyError, match="set SOLANA_NETWORK, and SOLANA_KEYPAIR_FILE"):
            ask()
