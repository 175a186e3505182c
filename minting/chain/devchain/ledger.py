"""What the chain remembers over a restart: accounts, transactions, and who took part in which.

SQLite, written by the one thread that runs the virtual machine. A transaction and the accounts it
changed are one write: after a crash both are there, or neither.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists account (
    address text primary key, lamports integer not null, owner text not null, data blob not null
) without rowid;
create table if not exists transfer_log (
    sequence integer primary key, signature text not null unique, slot integer not null,
    at integer not null, error text, raw blob not null, meta text not null
);
create table if not exists part (
    address text not null, sequence integer not null, primary key (address, sequence)
) without rowid;
create table if not exists fact (name text primary key, value text not null) without rowid;
"""


class StoredAccount(NamedTuple):
    """An account as it was after the last transaction that changed it."""

    address: str
    lamports: int
    owner: str
    data: bytes


class Entry(NamedTuple):
    """A transaction in a block."""

    sequence: int
    signature: str
    slot: int
    at: int
    error: Any
    raw: bytes
    meta: dict[str, Any]


class Ledger:
    """The chain's file; ``:memory:`` forgets."""

    def __init__(self, path: Path | str):
        self._database = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def accounts(self) -> Iterator[StoredAccount]:
        """Yield every account that is kept."""
        rows = self._database.execute("select address, lamports, owner, data from account")
        yield from map(StoredAccount._make, rows)

    def fact(self, name: str) -> str | None:
        """Return what was noted under a name."""
        row = self._database.execute("select value from fact where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def note(self, name: str, value: str) -> None:
        """Note something under a name."""
        self._database.execute("insert or replace into fact values (?, ?)", (name, value))

    def add(
        self,
        entry: Entry,
        *,
        parts: Iterable[str],
        changed: Mapping[str, StoredAccount | None],
    ) -> None:
        """Write a transaction, who took part, and the accounts as they are now; None is gone."""
        error = None if entry.error is None else json.dumps(entry.error)
        meta = json.dumps(entry.meta, separators=(",", ":"))
        self._database.execute("begin")
        try:
            self._database.execute(
                "insert into transfer_log values (?, ?, ?, ?, ?, ?, ?)",
                (entry.sequence, entry.signature, entry.slot, entry.at, error, entry.raw, meta),
            )
            self._database.executemany(
                "insert or ignore into part values (?, ?)",
                [(address, entry.sequence) for address in parts],
            )
            for address, account in changed.items():
                self._put(address, account)
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

    def _put(self, address: str, account: StoredAccount | None) -> None:
        if account is None:
            self._database.execute("delete from account where address = ?", (address,))
        else:
            self._database.execute("insert or replace into account values (?, ?, ?, ?)", account)

    def last_sequence(self) -> int:
        """Return the number of the newest transaction, 0 where there is none."""
        query = "select coalesce(max(sequence), 0) from transfer_log"
        found: int = self._database.execute(query).fetchone()[0]
        return found

    def find(self, signature: str) -> Entry | None:
        """Return the transaction with a signature."""
        row = self._database.execute(
            "select sequence, signature, slot, at, error, raw, meta from transfer_log"
            " where signature = ?",
            (signature,),
        ).fetchone()
        return _entry(row) if row else None

    def status(self, signature: str) -> tuple[int, Any] | None:
        """Return slot and error of the transaction with a signature."""
        row = self._database.execute(
            "select slot, error from transfer_log where signature = ?", (signature,)
        ).fetchone()
        return (row[0], json.loads(row[1]) if row[1] else None) if row else None

    def history(
        self, address: str, *, before: str | None, until: str | None, newest: int, limit: int
    ) -> list[tuple[str, int, Any, int]]:
        """Return signature, slot, error and time of an address's transactions, newest first.

        ``before`` and ``until`` are signatures, both left out; ``newest`` is a slot.
        """
        below = self._sequence(before) if before else None
        above = self._sequence(until) if until else None
        rows = self._database.execute(
            "select log.signature, log.slot, log.error, log.at"
            "  from part join transfer_log as log on log.sequence = part.sequence"
            " where part.address = ? and part.sequence < ? and part.sequence > ? and log.slot <= ?"
            " order by part.sequence desc limit ?",
            (address, below or (1 << 60), above or 0, newest, limit),
        )
        return [(row[0], row[1], json.loads(row[2]) if row[2] else None, row[3]) for row in rows]

    def _sequence(self, signature: str) -> int | None:
        row = self._database.execute(
            "select sequence from transfer_log where signature = ?", (signature,)
        ).fetchone()
        return row[0] if row else None


def _entry(row: tuple[Any, ...]) -> Entry:
    sequence, signature, slot, at, error, raw, meta = row
    known = json.loads(error) if error else None
    return Entry(sequence, signature, slot, at, known, raw, json.loads(meta))
