"""Where the programs that the resolver is measured beside are found."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

NODE = "node"
# Debian's packages by program, each with the libraries it needs and few machines have.
DEBIAN = {"wrk": ("wrk", "libluajit-5.1-2"), "nginx": ("nginx",)}
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Places:
    """The folder that ``make bench-peers`` fills."""

    folder: Path

    @property
    def environment(self) -> Path:
        """The virtual environment of the peers."""
        return self.folder / "python"

    @property
    def debian(self) -> Path:
        """Where Debian's packages were unpacked."""
        return self.folder / "debian"

    def program(self, name: str) -> Path | None:
        """Return a program of the virtual environment, or None."""
        path = self.environment / "bin" / name
        return path if os.access(path, os.X_OK) else None

    def express(self) -> Path | None:
        """Return the folder that Express was installed in, or None."""
        folder = self.folder / NODE
        return folder if (folder / "node_modules/express").is_dir() else None

    def debian_program(self, name: str) -> Path | None:
        """Return wrk or nginx: unpacked here, or else the machine's own; None for neither."""
        for folder in ("usr/bin", "usr/sbin"):
            path = self.debian / folder / name
            if os.access(path, os.X_OK):
                return path
        path_ = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{_SYSTEM_PATH}"
        found = shutil.which(name, path=path_)
        return Path(found) if found else None

    def debian_environment(self) -> dict[str, str]:
        """Return the variables by which unpacked programs find their libraries."""
        folders = sorted(str(path.parent) for path in self.debian.glob("usr/lib/*/*.so*"))
        return {"LD_LIBRARY_PATH": os.pathsep.join(dict.fromkeys(folders))} if folders else {}
