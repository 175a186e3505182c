"""The limit of minting: a bare binary COPY of the same rows into a table without policy or trigger.

Same columns, constraints and indexes, same 20,000-row transactions, tokens made the same way, and
the packing of the rows included, as whoever would replace our INSERT would have to do it.
"""

import struct
import time
from typing import Any
from uuid import UUID

import psycopg

from minting.serials import generate_tokens

CYCLE = 20_000
TABLE = "bench_copy"
_COLUMNS = (
    "brand_id, product_id, batch_id, lot_id, ordinal, token, serial, status, activated_at,"
    " revoked_at, created_at"
)
_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)
_NULL = struct.pack("!i", -1)
_MICROSECONDS_IN_2026 = 840_000_000_000_000


def make_table(superuser: "psycopg.Connection[Any]") -> None:
    """Make the copy of the unit table, with as many rows as the original has now."""
    superuser.execute(f"drop table if exists {TABLE}")
    superuser.execute(f"create table {TABLE} (like minting_mintunit including all)")
    superuser.execute(f"alter table {TABLE} set (fillfactor = 90)")
    superuser.execute(f"alter table {TABLE} owner to tieback_owner")


def copy_rows(
    connection: "psycopg.Connection[Any]", count: int, ids: tuple[UUID, UUID, UUID], first: int
) -> float:
    """COPY ``count`` rows from ordinal ``first`` on; return the seconds it took.

    ``ids`` are brand, product and batch.
    """
    start = struct.pack("!h", 11)
    start += b"".join(struct.pack("!i", 16) + id_.bytes for id_ in ids) + _NULL
    start += struct.pack("!i", 4)
    end = _NULL + struct.pack("!ih", 2, 0) + _NULL + _NULL
    end += struct.pack("!iq", 8, _MICROSECONDS_IN_2026)
    ordinal = struct.Struct("!i").pack
    length = struct.pack("!i", 20)
    began = time.perf_counter()
    for done in range(0, count, CYCLE):
        size = min(CYCLE, count - done)
        tokens = generate_tokens(size)
        at = first + done
        rows = b"".join(
            [
                start + ordinal(at + i) + length + token.encode() + end
                for i, token in enumerate(tokens)
            ]
        )
        statement = f"copy {TABLE} ({_COLUMNS}) from stdin (format binary)"
        with connection.cursor() as cursor, cursor.copy(statement) as target:
            target.write(_HEADER)
            target.write(rows)
            target.write(_TRAILER)
        connection.commit()
    return time.perf_counter() - began
