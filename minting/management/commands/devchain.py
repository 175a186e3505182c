"""``manage.py devchain``: a Solana of this machine's own, for development and tests."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from minting.chain.devchain.chain import SLOT_MS

# Whoever can reach it can take all of its lamports: there is no other address to choose.
HOST = "127.0.0.1"
PORT = 8899
#: They only wait for the one thread in which the chain lives.
_THREADS = 32


class Command(BaseCommand):
    """Serves Solana's JSON-RPC on the loopback address until it is told to stop."""

    help = "Run a chain of this machine's own. No public chain: it proves nothing to others."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where it listens, where it keeps itself, and how long a slot is."""
        parser.add_argument("--port", type=int, default=PORT)
        parser.add_argument(
            "--home", type=Path, help="its folder; $TIEBACK_HOME/devchain where none is given"
        )
        parser.add_argument("--slot-ms", type=float, default=SLOT_MS)
        parser.add_argument(
            "--programs",
            type=Path,
            default=os.environ.get("DEVCHAIN_PROGRAMS_DIR") or None,
            help="folder of program dumps, <program id>.so",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Become the server, which then is this process."""
        programs: Path | None = options["programs"]
        if programs is not None and not programs.is_dir():
            raise CommandError(f"{programs} is no folder: see --programs")
        home = options["home"] or Path(os.environ.get("TIEBACK_HOME") or ".tieback") / "devchain"
        address = f"http://{HOST}:{options['port']}/"
        self.stdout.write(f"dev chain at {address}: this machine's own, no public chain")
        self.stdout.flush()
        words = (
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"),
            *("--blocking-threads", str(_THREADS), "--workers-kill-timeout", "5"),
            *("--host", HOST, "--port", str(options["port"])),
            "minting.chain.devchain.wsgi:application",
        )
        os.execve(  # noqa: S606 - no shell, and none of the words is a stranger's
            sys.executable,
            words,
            {
                **os.environ,
                "DEVCHAIN_HOME": str(home.resolve()),
                "DEVCHAIN_SLOT_MS": str(options["slot_ms"]),
                "DEVCHAIN_PROGRAMS_DIR": str(programs.resolve()) if programs else "",
            },
        )
