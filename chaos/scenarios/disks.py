"""No space left: for the units' table in PostgreSQL, and for the object store."""

import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from chaos.lab import Lab
from chaos.record import NotRun
from chaos.scenarios.errors import retry
from chaos.scenarios.plan import Scenario
from chaos.small_disk import small_disk

# The table is moved to the small disk and back each time, with the units of all times before.
QUANTITY = 60_000
# More than a segment of the write-ahead log, less than the units of two jobs take.
LARGEST_FILE = 17 << 20
_STRUCK = """
select count(*) from minting_mintjob where last_error like 'Database error%%' and id = any(%s)
"""
_STORE_STRUCK = "select count(*) from exports_packbuild where last_error <> ''"


def database(lab: Lab, count: int) -> None:
    """Fill the disk under the units until jobs meet it; give the space back; all complete."""
    for _ in range(count):
        with _full_disk(lab) as how:
            jobs = [client.submit(QUANTITY) for client in lab.clients]
            lab.wait_for("a job to meet the full disk", _STRUCK, [jobs], seconds=120)
            time.sleep(2.0)
            lab.record.count(how)
        lab.wait_ended(jobs, seconds=300)
        retry(lab, [job for job in jobs if lab.status_of(job) == "FAILED"])
        for job in jobs:
            lab.record.expect(lab.status_of(job) == "COMPLETED", f"{job} did not recover")


@contextmanager
def _full_disk(lab: Lab) -> Iterator[str]:
    """Leave the units' table no room, by a small file system or else by a limit of file size."""
    place = lab.stack.home / "postgres" / "small"
    owner = (lab.stack.home / "postgres" / "data").stat()
    place.mkdir(exist_ok=True)
    shutil.chown(place, owner.st_uid, owner.st_gid)
    # The units of the rounds before move in too.
    held = int(lab.value("select pg_table_size('minting_mintunit')")) >> 20
    with small_disk(place, megabytes=256 + held) as disk:
        if disk is None:
            with _short_files(lab):
                yield "database's files may not grow (no right to mount a small disk)"
            return
        lab.execute(
            f"create tablespace small location '{place}'",
            "alter table minting_mintunit set tablespace small",
        )
        try:
            disk.fill(leave=1 << 20)
            yield "database's disk full"
            disk.empty()
        finally:
            disk.empty()
            lab.execute(
                "alter table minting_mintunit set tablespace pg_default", "drop tablespace small"
            )


@contextmanager
def _short_files(lab: Lab) -> Iterator[None]:
    """Let no process of the database server write beyond a file size: it fails as a full disk."""
    _limit_files(lab, LARGEST_FILE)
    try:
        yield
    finally:
        _limit_files(lab, resource.RLIM_INFINITY)


def _limit_files(lab: Lab, size: int) -> None:
    server = psutil.Process(lab.stack.pid("postgres"))
    for process in (server, *server.children(recursive=True)):
        try:
            # Only the soft limit: an ordinary user could never raise the hard one again.
            process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        except psutil.NoSuchProcess:
            continue


def store(lab: Lab, count: int) -> None:
    """Fill the disk of the object store until builds meet it; give the space back."""
    place = lab.stack.home / "s3" / "rclone" / "tieback"
    if not place.is_dir():
        raise NotRun("only the disk of the rclone store is filled")
    kept = lab.stack.home / "objects"
    with small_disk(place, megabytes=512) as disk:
        if disk is None:
            raise NotRun("this user may not mount a small disk")
        for _ in range(count):
            disk.fill()
            lab.clients[0].submit(3_000)
            lab.wait_for("a build to meet the full disk", _STORE_STRUCK, None, seconds=120)
            lab.record.count("store's disk full", working=disk.free < 1 << 20)
            disk.empty()
            lab.wait_rest()
        shutil.copytree(place, kept, dirs_exist_ok=True)
    shutil.copytree(kept, place, dirs_exist_ok=True)


SCENARIOS = (
    Scenario(
        *("disk_full", "13: a full database disk costs no unit", database, 0, 1, 20),
        settings={"TIEBACK_CYCLE_SIZE": "20000", "RETRY_BASE_DELAY": "300"},
        excused=frozenset({"I12"}),
        has_load=False,
        cycle_size=20_000,
    ),
    Scenario(
        *("store_full", "13: a full object store costs no pack", store, 0, 1, 20),
        settings={"RETRY_BASE_DELAY": "300"},
        excused=frozenset({"I12"}),
        has_load=False,
    ),
)
