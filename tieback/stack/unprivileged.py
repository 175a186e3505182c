"""As whom PostgreSQL runs: it refuses root.

An ordinary user runs it as itself. Root looks for an unprivileged user that can reach both the
binaries and the data, and else runs it in a user namespace, where root appears as ``nobody`` to
PostgreSQL and the files stay root's (so it works under a closed home folder).
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tieback.stack.errors import StackError
from tieback.stack.supervisor import Identity

_USERS = ("postgres", "nobody")
_NOBODY_ID = "65534"


def choose_identity(binary: Path, folder: Path) -> Identity:
    """Return who can run ``binary`` inside ``folder``, and make the folder theirs."""
    if os.geteuid() != 0:
        return Identity()
    for identity in _candidates(folder):
        if _can_run(identity, binary, folder.parent):
            _give(folder, identity)
            return identity
    message = (
        "PostgreSQL cannot run as root, no unprivileged user reaches "
        f"{binary.parent} and {folder}, and user namespaces are closed: "
        "run as an ordinary user, or put the project where every user may read it"
    )
    raise StackError(message)


def _candidates(folder: Path) -> Iterator[Identity]:
    """Yield the owner of existing data first: it should change hands only if it has moved."""
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    owner = folder.stat().st_uid
    entries = [entry for entry in users.values() if entry.pw_uid == owner != 0]
    entries += [users[name] for name in _USERS if name in users]
    for entry in entries:
        yield Identity(entry.pw_uid, entry.pw_gid)
    if unshare := shutil.which("unshare"):
        mapping = ("-U", f"--map-user={_NOBODY_ID}", f"--map-group={_NOBODY_ID}")
        yield Identity(prefix=(unshare, *mapping))


def _can_run(identity: Identity, binary: Path, folder: Path) -> bool:
    """Say whether this identity can pass through ``folder`` and start the binary."""
    done = subprocess.run(  # noqa: S603 - our own binary
        [
            *(*identity.prefix, "/bin/sh", "-c", 'cd "$1" && "$2" --version'),
            *("sh", str(folder), str(binary)),
        ],
        check=False,
        cwd="/",
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **identity.options(),
    )
    return done.returncode == 0


def _give(folder: Path, identity: Identity) -> None:
    uid, gid = identity.uid or 0, identity.gid or 0
    if folder.stat().st_uid == uid:
        return
    # The folder itself last: its owner says that everything below has changed hands.
    for entry in (*folder.rglob("*"), folder):
        os.chown(entry, uid, gid, follow_symlinks=False)
