"""Where the running stack answers, from the variables it gives to what it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.report import DemoFailed

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Addresses:
    """The ports of one stack, the folder of its state, and its chain."""

    web_port: int
    resolver_port: int
    console_port: int
    home: Path
    rpc_url: str

    @property
    def web(self) -> str:
        """What API clients and brand staff reach."""
        return f"http://{HOST}:{self.web_port}"

    @property
    def console(self) -> str:
        """What operators reach."""
        return f"http://{HOST}:{self.console_port}"

    @property
    def resolver_host(self) -> str:
        """The host that is printed in the demo's codes: this machine's own name for itself."""
        return f"localhost:{self.resolver_port}"


def read_addresses(environ: Mapping[str, str]) -> Addresses:
    """Return where the stack answers."""
    names = (
        *("TIEBACK_WEB_PORT", "TIEBACK_RESOLVER_PORT", "TIEBACK_CONSOLE_PORT", "TIEBACK_HOME"),
        "SOLANA_RPC_URLS",
    )
    missing = [name for name in names if not environ.get(name)]
    if missing:
        message = (
            f"{', '.join(missing)} not set: run `make demo`, or source the file `env` in the home"
            " of a running stack first"
        )
        raise DemoFailed(message)
    web, resolver, console = (int(environ[name]) for name in names[:3])
    return Addresses(
        web, resolver, console, Path(environ["TIEBACK_HOME"]), environ["SOLANA_RPC_URLS"]
    )
