"""Creates the demo's brand, as an operator would on the command line."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from demo.report import DemoFailed

NAME = "Nordhav"
GS1_PREFIX = "9524010"  # under 952, the GS1 prefix set aside for demonstrations
OWNER_EMAIL = "owner@nordhav.example"
_PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class DemoBrand:
    """The brand, and what proves to be it."""

    slug: str
    brand_id: str
    owner_email: str
    owner_password: str
    api_key: str
    scopes: tuple[str, ...]


def create_brand(*, slug: str, resolver_host: str) -> DemoBrand:
    """Run ``manage.py create_brand`` and return what it printed."""
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "create_brand", "--json"),
            *("--slug", slug, "--name", NAME, "--gs1-prefix", GS1_PREFIX),
            *("--resolver-host", resolver_host, "--owner-email", OWNER_EMAIL),
        ],
        cwd=_PROJECT,
        env={**os.environ, "TIEBACK_PLANE": "console"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # The last line is the one that says what is wrong, also below a traceback.
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        hint = " Choose another one with --slug." if "taken" in said[-1] else ""
        message = f"create_brand exited with {done.returncode}: {said[-1]}{hint}"
        raise DemoFailed(message)
    made = json.loads(done.stdout.strip().splitlines()[-1])
    return DemoBrand(
        slug=made["slug"],
        brand_id=made["brand_id"],
        owner_email=made["owner"]["email"],
        owner_password=made["owner"]["password"] or "",
        api_key=made["credential"]["header"],
        scopes=tuple(made["credential"]["scopes"]),
    )
