"""A virtual environment for each Python, made from the hashed lock and kept for the next run."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements-dev.lock"
_STAMP = "installed-lock"


def environment_of(python: Path, folder: Path) -> Path:
    """Return the interpreter of an environment with everything of the lock installed."""
    if python == Path(sys.executable):
        return python
    ours, stamp = folder / "bin" / "python", folder / _STAMP
    wanted = f"{python} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"
    if ours.exists() and stamp.exists() and stamp.read_text() == wanted:
        return ours
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([str(python), "-m", "venv", str(folder)], check=True)
    subprocess.run(
        [
            *(str(ours), "-m", "pip", "install", "-qq", "--disable-pip-version-check"),
            *("--no-input", "--require-hashes", "-r", str(LOCK)),
        ],
        check=True,
    )
    stamp.write_text(wanted)
    return ours
