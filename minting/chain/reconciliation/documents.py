"""Stage: whether pinned documents are where they were pinned, and are what they were.

Of no chain: the driver that pinned one is asked for its bytes, and these are hashed.
"""

from typing import Any
from uuid import UUID

import structlog
from django.db import connection

from minting.chain.own_thread import in_own_thread
from minting.chain.reconciliation.drifts import Drift, Looked, Position, Round
from minting.metadata.cid import cid_of
from minting.metadata.drivers.choosing import driver_named
from minting.states import DriftKind
from tieback.errors import Missing, PermanentError, TransientError

log = structlog.get_logger(__name__)

_PINNED = """
select id, brand_id, cid, driver from minting_metadatadocument
 where status = 'pinned' and (%(brand)s::uuid is null or brand_id = %(brand)s)
"""
_IN_TURN = f"{_PINNED} and id > %(after)s::uuid order by id limit %(limit)s"
_NAMED = f"{_PINNED} and id = any(%(named)s::uuid[])"
_BEFORE_ALL = str(UUID(int=0))

KINDS = frozenset({DriftKind.DOCUMENT_MISSING, DriftKind.DOCUMENT_DIFFERS})


async def look(chain: object, of: Round, position: Position) -> Looked:
    """Fetch some documents in turn, and those that were not well before."""
    return await in_own_thread(_looked, of, position)


def _looked(of: Round, position: Position) -> Looked:
    """Stop where a place is away; raise that where nothing at all was learnt."""
    in_turn = _read(_IN_TURN, of, position)
    rows = {row[0]: row for row in (*(_read(_NAMED, of, position) if of.again else []), *in_turn)}
    examined: list[str] = []
    drifts: list[Drift] = []
    for row in rows.values():
        try:
            found = _drift(*row)
        except PermanentError as error:
            log.warning("document_not_fetched", document=str(row[0]), error=str(error))
            continue
        except TransientError:
            if not examined:
                raise
            then = {"after": _before(in_turn, row[0], position)}
            return Looked(examined, drifts, then, is_end=False)
        examined.append(str(row[0]))
        drifts += [found] if found else []
    is_end = len(in_turn) < of.at_most
    return Looked(examined, drifts, {} if is_end else {"after": str(in_turn[-1][0])}, is_end)


def _drift(document_id: UUID, brand_id: UUID, cid: str, driver: str) -> Drift | None:
    """Return what is wrong with a document. Raises as drivers do."""
    detail: dict[str, Any] = {"cid": cid, "driver": driver}
    kind = DriftKind.DOCUMENT_MISSING
    try:
        found = cid_of(_driver(driver).fetch(cid))
    except Missing:
        pass
    else:
        if found == cid:
            return None
        kind, detail = DriftKind.DOCUMENT_DIFFERS, {**detail, "found": found}
    return Drift(kind=kind, subject_id=str(document_id), brand_id=brand_id, detail=detail)


def _driver(name: str) -> Any:
    try:
        return driver_named(name)
    except KeyError:
        raise PermanentError(f"there is no place called {name}") from None


def _before(in_turn: list[Any], document_id: UUID, position: Position) -> str:
    """Return the document after which the next step begins, so that this one is tried again."""
    ids = [row[0] for row in in_turn]
    at = ids.index(document_id) if document_id in ids else 0
    return str(ids[at - 1]) if at else str(position.get("after", _BEFORE_ALL))


def _read(statement: str, of: Round, position: Position) -> list[Any]:
    asked = {
        "brand": of.brand_id,
        "after": position.get("after", _BEFORE_ALL),
        "limit": of.at_most,
        "named": list(of.again),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
