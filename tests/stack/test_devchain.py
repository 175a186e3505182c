"""The dev chain in the stack: it pays, it stays, and it knows nothing that it need not know."""

import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.stack.conftest import SMALL
from tieback.planes import PLANES
from tieback.stack import Stack, StackError
from tieback.stack.devchain import ENOUGH, FULL, devchain_service, ensure_funds
from tieback.stack.ports import free_ports


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run the data services and the dev chain for the tests of this module."""
    with Stack(free_ports=True, environ={**SMALL, "DEVCHAIN_SLOT_MS": "20"}) as stack:
        stack.start_services(devchain=True)
        yield stack


def ask(stack: Stack, method: str, *params: object) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{stack.url('devchain')}/", body, kind)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)["result"]


def balance(stack: Stack) -> int:
    return int(ask(stack, "getBalance", stack.payer)["value"])


def test_the_payer_has_lamports(stack: Stack) -> None:
    assert balance(stack) >= ENOUGH


def test_funding_again_gives_nothing_more(stack: Stack) -> None:
    before = balance(stack)
    for _ in range(3):
        ensure_funds(stack.ports["devchain"], stack.payer)
    assert balance(stack) == before


def test_a_chain_that_does_not_answer_is_told_in_one_line() -> None:
    with pytest.raises(StackError, match="the dev chain does not fund someone: Conn") as caught:
        ensure_funds(free_ports(1)[0], "someone")
    assert "\n" not in str(caught.value)


def test_dumps_of_programs_that_are_not_there_are_told(tmp_path: Path) -> None:
    environ = {"DEVCHAIN_PROGRAMS_DIR": str(tmp_path / "none")}
    with pytest.raises(StackError, match=r"DEVCHAIN_PROGRAMS_DIR=.*none is no folder"):
        devchain_service(tmp_path, port=1, environ=environ, project=tmp_path)


def test_the_env_file_leads_a_shell_to_the_chain(stack: Stack) -> None:
    script = f'. "{stack.home}/env" && echo "$SOLANA_NETWORK $SOLANA_RPC_URLS $SOLANA_KEYPAIR"'
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={}, check=True, capture_output=True, text=True
    )
    url = f"{stack.url('devchain')}/"
    assert done.stdout.split() == ["devchain", url, stack.secrets["SOLANA_KEYPAIR"]]


def test_the_chain_knows_no_secret_and_no_database(stack: Stack) -> None:
    known = psutil.Process(stack.pid("devchain")).environ()
    assert not {plane.password_variable for plane in PLANES.values()} & set(known)
    assert not {"SECRET_KEY", "DATABASE_URL", "SOLANA_KEYPAIR"} & set(known)
    assert not set(stack.secrets.values()) & set(known.values())


def test_the_chain_listens_on_the_loopback_address_only(stack: Stack) -> None:
    process = psutil.Process(stack.pid("devchain"))
    addresses = {
        connection.laddr.ip
        for each in (process, *process.children(recursive=True))
        for connection in each.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_a_killed_chain_comes_back_as_it_was(stack: Stack) -> None:
    before = ask(stack, "getGenesisHash"), balance(stack)

    stack.kill("devchain")
    stack.start("devchain")

    stack.check()
    assert (ask(stack, "getGenesisHash"), balance(stack)) == before


def test_a_paused_chain_goes_on(stack: Stack) -> None:
    stack.send("devchain", signal.SIGSTOP)
    stack.send("devchain", signal.SIGCONT)

    assert ask(stack, "getHealth") == "ok"


def test_chain_key_and_lamports_survive_a_restart_of_the_stack(home_folder: Path) -> None:
    seen = []
    for _ in range(2):
        with Stack(home_folder, free_ports=True, environ=SMALL) as stack:
            stack.start_services(devchain=True)
            seen.append((stack.payer, ask(stack, "getGenesisHash"), balance(stack)))

    assert seen[0] == seen[1]
    assert seen[0][2] == FULL


def test_a_chain_that_was_not_asked_for_is_not_started_alone(home_folder: Path) -> None:
    with (
        Stack(home_folder, free_ports=True, environ=SMALL) as stack,
        pytest.raises(StackError, match=r"devchain is started by start_services\(\)"),
    ):
        stack.start("devchain")
