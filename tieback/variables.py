"""Environment variables, each from itself or from the file that ``NAME_FILE`` names."""

from pathlib import Path
from typing import Any

from environs import FileAwareEnv


class Variables(FileAwareEnv):
    """Reads them; a file that cannot be read is a problem with its variable's name.

    The path is not repeated: whoever takes ``NAME_FILE`` for ``NAME`` has put a secret there.
    """

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)
        self.unreadable: list[str] = []

    def _get_value(self, env_key: str, default: Any) -> Any:
        name = f"{env_key}{self.file_suffix}"
        path = super(FileAwareEnv, self)._get_value(name, None)
        if not path:
            return super(FileAwareEnv, self)._get_value(env_key, default)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            self.unreadable.append(f"{name} must be the path of a text file that can be read")
            return default
