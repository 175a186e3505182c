#!/usr/bin/env python3
"""Ask this container's own process whether it is ready; the exit code is the answer.

Page servers answer on the port of their plane. Worker and beat serve their metrics and nothing
else. Standard library only, since it starts anew for every question.
"""

import os
import sys
import urllib.request

READY = {
    "web": ("TIEBACK_WEB_PORT", "8000", "/health/readiness"),
    "resolver": ("TIEBACK_RESOLVER_PORT", "8001", "/health/readiness"),
    "console": ("TIEBACK_CONSOLE_PORT", "8002", "/health/readiness"),
    "worker": ("PROMETHEUS_PORT", "9808", "/metrics"),
}
SECONDS = 12


def main() -> None:
    """Raise, and so exit with 1, unless the answer is a success."""
    variable, default, path = READY[os.environ["TIEBACK_PLANE"]]
    port = int(os.environ.get(variable) or default)
    # Without the machine's proxy: the question is for this container.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(f"http://127.0.0.1:{port}{path}", timeout=SECONDS).close()


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
