"""``manage.py devchain``: a Solana of this machine's own, for development and tests."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tieback.devchain import HOST, PORT, SLOT_MS, server_variables, server_words


class Command(BaseCommand):
    """Serves Solana's JSON-RPC on the loopback address until it is told to stop."""

    help = "Run a chain of this machine's own. No public chain: it proves nothing to others."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take where it listens, where it keeps itself, and how long a slot is."""
        port = os.environ.get("TIEBACK_DEVCHAIN_PORT") or PORT
        parser.add_argument("--port", type=int, default=port)
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
        known = server_variables(home, slot_ms=options["slot_ms"], programs=programs)
        words = (sys.executable, *server_words(options["port"]))
        # No shell, and none of the words is a stranger's.
        os.execve(sys.executable, words, {**os.environ, **known})  # noqa: S606
