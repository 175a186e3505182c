"""Dev chains for tests: real processes, real clients."""

import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from tieback.stack.ports import free_ports

PROJECT = Path(__file__).resolve().parents[2]
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
SLOT_MS = 20
PATIENCE_SECONDS = 60.0


@dataclass
class Devchain:
    """One process of ``manage.py devchain``."""

    home: Path
    slot_ms: float = SLOT_MS
    programs: Path | None = None
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: "subprocess.Popen[bytes] | None" = None
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = ["--port", str(self.port), "--home", str(self.home)]
        words += ["--slot-ms", str(self.slot_ms)]
        words += ["--programs", str(self.programs)] if self.programs else []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "devchain", *words],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the dev chain has ended"
            with suppress(urllib3.exceptions.HTTPError):
                self.status()
                return
            time.sleep(0.05)
        raise AssertionError("the dev chain does not answer")

    def kill(self) -> None:
        """End the server and whatever it has started, without a word."""
        assert self.process
        import psutil

        for process in [*psutil.Process(self.process.pid).children(recursive=True)]:
            process.kill()
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def url(self, node: str = "") -> str:
        """Return the address of one of its nodes."""
        return f"http://127.0.0.1:{self.port}/{node}"

    def status(self) -> dict[str, Any]:
        """Return what it says of itself."""
        return self.pool.request("GET", self.url()).json()

    def ask(self, method: str, *params: Any, node: str = "") -> Any:
        """Call a method; return the whole answer."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return self.pool.request("POST", self.url(node), json=asked).json()

    def told(self, method: str, *params: Any, node: str = "") -> Any:
        """Call a method that succeeds; return its result."""
        answer = self.ask(method, *params, node=node)
        assert "error" not in answer, answer
        return answer["result"]

    def faulty(self, node: str, **faults: Any) -> str:
        """Make a node faulty; return its address."""
        assert self.told("devchainSetFaults", faults, node=node) == "ok"
        return self.url(node)

    def client(self, node: str = "") -> AsyncClient:
        """Return solana-py's client."""
        return AsyncClient(self.url(node), commitment=Confirmed)

    def blockhash(self) -> Hash:
        """Return a blockhash of now."""
        found = self.told("getLatestBlockhash", {"commitment": "confirmed"})
        return Hash.from_string(found["value"]["blockhash"])

    def rich(self, lamports: int = 10**9) -> Keypair:
        """Return somebody with lamports."""
        person = Keypair()
        self.told("requestAirdrop", str(person.pubkey()), lamports)
        return person

    def wait_for_slot(self, slot: int) -> None:
        """Wait until the chain is so far."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.status()["slot"] < slot:
            assert time.monotonic() < deadline, "the chain stands still"
            time.sleep(self.slot_ms / 1000)


def memo(
    payer: Keypair, blockhash: Hash, text: str = "hello", *, price: int = 0
) -> VersionedTransaction:
    """Return a signed transaction that says something."""
    said = Instruction(MEMO, text.encode(), [AccountMeta(payer.pubkey(), True, False)])
    paid = [set_compute_unit_limit(20_000), set_compute_unit_price(price)] if price else []
    message = MessageV0.try_compile(payer.pubkey(), [*paid, said], [], blockhash)
    return VersionedTransaction(message, [payer])
