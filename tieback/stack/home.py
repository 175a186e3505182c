"""The stack's state directory, and the lock that lets one stack at a time use it."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tieback.stack.errors import StackError

LOCK_NAME = "lock"
# The watchdog writes this when it has begun to end what a killed stack left behind.
ENDING = "ending"
_REFUSE_AFTER_SECONDS = 0.5
_ENDING_SECONDS = 40.0


class Home:
    """One state directory. Used as a context manager it holds the lock."""

    def __init__(self, path: Path, *, temporary: bool = False) -> None:
        self.path = path.resolve()
        self.temporary = temporary
        self.lock_fd = -1

    @classmethod
    def make_temporary(cls) -> Self:
        """Return a home in the system's temporary folder that goes away with the stack."""
        return cls(Path(tempfile.mkdtemp(prefix="tieback-")), temporary=True)

    def folder(self, *names: str, mode: int = 0o700) -> Path:
        """Return a folder of the home, made if missing."""
        path = self.path.joinpath(*names)
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        return path

    def __enter__(self) -> Self:
        existed = self.path.is_dir() and not self.temporary
        self.path.mkdir(parents=True, exist_ok=True)
        if not existed:
            # Listing is closed; passing through is open, because as root the database runs
            # as another user and must reach its own folder.
            self.path.chmod(0o711)
        self.lock_fd = self._lock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.lock_fd)
        self.lock_fd = -1
        if self.temporary:
            shutil.rmtree(self.path, ignore_errors=True)

    def wipe(self) -> None:
        """Empty the home, the lock apart. A folder that no stack ever used is not touched."""
        entries = [entry for entry in self.path.iterdir() if entry.name != LOCK_NAME]
        if entries and not (self.path / "secrets.json").exists():
            message = f"{self.path} holds files but no stack: not emptied; choose another --home"
            raise StackError(message)
        # The secrets go last: as long as they are there, a cut wipe can be repeated.
        for entry in sorted(entries, key=lambda entry: entry.name == "secrets.json"):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _lock(self) -> int:
        fd = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        started = time.monotonic()
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(fd, 0)
                os.pwrite(fd, str(os.getpid()).encode(), 0)
                return fd
            holder = os.pread(fd, 64, 0).decode().strip()
            limit = _ENDING_SECONDS if holder == ENDING else _REFUSE_AFTER_SECONDS
            if time.monotonic() - started > limit:
                os.close(fd)
                message = (
                    f"another stack (process {holder}) is using {self.path}: "
                    "stop it, or choose another TIEBACK_HOME"
                )
                raise StackError(message)
            time.sleep(0.1)
