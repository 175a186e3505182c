"""``make bench-peers``: fetch what the resolver is measured beside, into ``$TIEBACK_HOME/peers``.

Python's parts and Node come as wheels into an environment of their own, Express from npm, both
from hashed locks. wrk and nginx are Debian's: found on the PATH, else its packages are unpacked
beside the rest, so that nothing is installed on the machine and nobody needs to be root. A part
that cannot be had is said and left out; its figures are then "not run".
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.peers.places import DEBIAN, NODE, Places

PROJECT = Path(__file__).resolve().parents[2]
_LOCK = PROJECT / "requirements-peers.lock"
_NODE_FILES = ("package.json", "package-lock.json", ".npmrc")


def main() -> int:
    """Install every part; exit 1 where one could not be had."""
    home = Path(os.environ.get("TIEBACK_HOME") or ".tieback").resolve()
    places = Places(home / "peers")
    places.folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "asyncpg, Django, gunicorn, Node": _python_parts,
        "Express": _express,
        "wrk, nginx": _debian_parts,
    }
    failed = False
    for name, install in parts.items():
        print(f"{name} …", flush=True)
        try:
            install(places)
        except (OSError, subprocess.CalledProcessError) as error:
            failed = True
            print(f"  not to be had: {error}", flush=True)
    return 1 if failed else 0


def _python_parts(places: Places) -> None:
    if not places.program("python"):
        _run([sys.executable, "-m", "venv", "--clear", str(places.environment)])
    quiet = ("-qq", "--disable-pip-version-check", "--no-input")
    python = str(places.environment / "bin/python")
    _run([python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", str(_LOCK)])


def _express(places: Places) -> None:
    folder = places.folder / NODE
    folder.mkdir(exist_ok=True)
    for name in _NODE_FILES:
        shutil.copyfile(Path(__file__).with_name(name), folder / name)
    bin_ = places.environment / "bin"
    path = f"{bin_}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise FileNotFoundError("npm comes with Node, and no Node was installed")
    _run([npm, "ci", "--silent"], cwd=folder, env={**os.environ, "PATH": path})


def _debian_parts(places: Places) -> None:
    """Unpack what is not there already; a package brings the libraries that few machines have."""
    missing = [name for name in DEBIAN if places.debian_program(name) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise FileNotFoundError(f"install {' and '.join(missing)} by your system's means")
    packages = [package for name in missing for package in DEBIAN[name]]
    with tempfile.TemporaryDirectory() as folder:
        _run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages],
            cwd=Path(folder),
        )
        for package in sorted(Path(folder).glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(places.debian)])


def _run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, cwd=cwd, env=env)


if __name__ == "__main__":
    sys.exit(main())
