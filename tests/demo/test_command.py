"""The command line of the demo, and what it says when there is nothing to speak to."""

import socket
from pathlib import Path

import pytest

from demo.__main__ import main
from demo.addresses import read_addresses
from demo.report import DemoFailed

VARIABLES = {
    "TIEBACK_WEB_PORT": "8000",
    "TIEBACK_RESOLVER_PORT": "8001",
    "TIEBACK_CONSOLE_PORT": "8002",
    "TIEBACK_HOME": "/srv/tieback",
    "SOLANA_RPC_URLS": "http://127.0.0.1:8899/",
}


def test_addresses_are_those_of_the_stack() -> None:
    addresses = read_addresses(VARIABLES)
    assert addresses.web == "http://127.0.0.1:8000"
    assert addresses.resolver_host == "localhost:8001"
    assert addresses.console == "http://127.0.0.1:8002"
    assert addresses.home == Path("/srv/tieback")


def test_without_a_stack_every_missing_variable_is_named() -> None:
    with pytest.raises(
        DemoFailed, match=r"TIEBACK_WEB_PORT, TIEBACK_HOME not set: run `make demo`"
    ):
        read_addresses({**VARIABLES, "TIEBACK_WEB_PORT": "", "TIEBACK_HOME": ""})


@pytest.mark.parametrize("units", ["0", "-5", "1000001", "many", "1.5"])
def test_a_quantity_that_cannot_be_minted_is_refused(
    units: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["--units", units])
    assert refusal.value.code == 2
    assert "--units" in capsys.readouterr().err


def test_no_stack_is_a_failure_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert main(["--units", "1"]) == 1
    shown = capsys.readouterr().out
    assert "  FAILED  TIEBACK_WEB_PORT" in shown
    assert "the demo FAILED: 1 of 1 checks" in shown


def test_a_brand_that_cannot_be_created_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        free = str(held.getsockname()[1])
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, free if name.endswith("PORT") else value)
    # Nothing listens there, so the command fails before it could create anything.
    monkeypatch.setenv("DATABASE_URL", f"postgresql://127.0.0.1:{free}/tieback")
    assert main(["--units", "1"]) == 1
    assert "create_brand exited with" in capsys.readouterr().out
