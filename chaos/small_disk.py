"""A file system of a few megabytes, to be filled and emptied, where this user may mount one."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_FILLER = "filler"


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / _FILLER

    def fill(self, *, leave: int = 0) -> None:
        """Write a file that takes all the room but ``leave`` bytes."""
        room = shutil.disk_usage(self.folder).free - leave
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while room > 0:
                room -= file.write(b"\0" * min(room, 1 << 20))

    def empty(self) -> None:
        """Take the file away: the space returns."""
        self._filler.unlink(missing_ok=True)

    @property
    def free(self) -> int:
        """How many bytes are left."""
        return shutil.disk_usage(self.folder).free


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk | None]:
    """Mount one over a folder, with the folder's owner; ``None`` where that is not allowed."""
    owner = folder.stat()
    options = f"size={megabytes}m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    if not _run("mount", "-t", "tmpfs", "-o", options, "tieback-chaos", str(folder)):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        # A server that still holds a file there must not keep the run from ending.
        _run("umount", "--lazy", str(folder))


def _run(*argv: str) -> bool:
    program = shutil.which(argv[0])
    if program is None or os.geteuid() != 0:
        return False
    return not subprocess.run([program, *argv[1:]], check=False, capture_output=True).returncode
