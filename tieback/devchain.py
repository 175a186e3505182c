"""How the dev chain's server is started: for ``manage.py devchain`` and for the embedded stack.

It is given its own folder and nothing else to know: no database, no password, no key. Its code is
``minting/chain/devchain/``.
"""

from pathlib import Path

# Whoever can reach it can take all of its lamports: there is no other address to choose.
HOST = "127.0.0.1"
#: As a validator's own JSON-RPC.
PORT = 8899
SLOT_MS = 400.0
#: They only wait for the one thread in which the chain lives.
_THREADS = 32


def server_words(port: int) -> tuple[str, ...]:
    """Return the command, behind the Python that runs it."""
    return (
        *("-m", "granian", "--interface", "wsgi", "--workers", "1"),
        *("--blocking-threads", str(_THREADS), "--workers-kill-timeout", "5"),
        *("--host", HOST, "--port", str(port)),
        "minting.chain.devchain.wsgi:application",
    )


def server_variables(
    home: Path, *, slot_ms: float = SLOT_MS, programs: Path | None = None
) -> dict[str, str]:
    """Return the variables that the server reads; ``programs`` is a folder of program dumps."""
    return {
        "DEVCHAIN_HOME": str(home.resolve()),
        "DEVCHAIN_SLOT_MS": str(slot_ms),
        "DEVCHAIN_PROGRAMS_DIR": str(programs.resolve()) if programs else "",
    }
