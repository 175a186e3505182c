"""Writes a scan down in the statement that looks its code up.

One statement costs one way to the server and one transaction, and its commit does not wait for the
disk: a server that dies may take the last moments of scans with it, a resolver that dies takes
none. Nothing that goes wrong with writing keeps a code from being answered: it is then looked up
without being counted.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from resolver.agent_texts import ReducedAgent, reduced
from resolver.database import DO_NOT_WAIT, WAIT, Unavailable, fetch_one
from resolver.networks import address_of, place_of
from resolver.traffic import TrafficClass
from resolver.visitors import visitor_of
from tieback.metrics import SCANS

#: Agents that a process tells the dictionary of in its life: more are made up.
MOST_AGENTS = 20_000

# All parameters are text or null, so that one prepared statement serves every scan, whatever is
# known of it.
_COLUMNS = "traffic, visitor, agent_id, network, country, latitude, longitude"
_VALUES = (
    "traffic::smallint, visitor::bigint, agent::bigint, network, country, latitude::smallint,"
    " longitude::smallint"
)
# Where only counts may be kept, an event says no more than its count will.
_COUNTED_VALUES = "traffic::smallint, null, null, '', country, null, null"
#: What a scan writes down of a request, by the names of its parameters.
NOTED = ("traffic", "visitor", "agent", "network", "country", "latitude", "longitude")
#: The same as columns of a row, for a statement that writes down one scan.
AS_COLUMNS = ", ".join(f"%({name})s::text as {name}" for name in NOTED)
_UNKNOWN_CODE = f"""
with found as (select {AS_COLUMNS}), noted as (
    insert into resolver_scanevent (brand_id, path, {_COLUMNS})
    select %(brand)s::uuid, %(path)s, {_VALUES} from found
)
select {DO_NOT_WAIT}
"""  # noqa: S608 - constants only
_AGENT = f"""
insert into resolver_scanagent (id, text, kind) values (%(id)s, %(text)s, %(kind)s)
on conflict (id) do nothing returning {WAIT}
"""  # noqa: S608 - constants only

unrecorded = SCANS.labels("unrecorded")
_told: set[int] = set()
#: What stands in a request's place of which nothing is written down.
UNNOTED: tuple[str | None, ...] = (None,) * len(NOTED)


class Scan(NamedTuple):
    """What is written down of a request for a code; nothing where it is not recorded.

    ``note`` has the values of ``NOTED``, in that order.
    ``counted_only`` names the passport categories of which the brand keeps nothing but counts.
    """

    traffic: TrafficClass
    note: tuple[str | None, ...]
    counted_only: list[str]
    is_recorded: bool

    @property
    def named(self) -> dict[str, str | None]:
        """The note by the names of its parameters."""
        return dict(zip(NOTED, self.note, strict=True))


def writing(*, is_first: str = "false", counted_only: bool = True) -> str:
    """Return the statement that writes down what ``found`` holds, to stand in a WITH clause.

    ``found`` has the columns ``brand_id``, ``batch_id``, ``unit_id``, ``status`` and
    ``is_noted``; and ``counted_only``, unless that is said to be the case of none.
    """
    whole = f"""
    insert into resolver_scanevent
        (scanned_at, brand_id, batch_id, unit_id, status, is_first, {_COLUMNS})
    select now(), brand_id, batch_id, unit_id, status, {is_first}, {_VALUES}
      from found where is_noted"""  # noqa: S608 - constants only
    if not counted_only:
        return whole
    return f"""{whole} and not counted_only
     union all
    select date_trunc('hour', now()), brand_id, batch_id, null, null, {is_first}, {_COUNTED_VALUES}
      from found where is_noted and counted_only"""  # noqa: S608 - constants only


def scan_of(environ: Mapping[str, object], traffic: TrafficClass, counted_only: list[str]) -> Scan:
    """Return what is written down of a request."""
    if not settings.TIEBACK_SCANS_RECORDED:
        return Scan(traffic, UNNOTED, counted_only, is_recorded=False)
    agent = str(environ.get("HTTP_USER_AGENT") or "")
    address = address_of(environ)
    known, place = reduced(agent), place_of(address)
    if known.id not in _told:
        _tell(known)
    visitor = visitor_of(address, agent) if traffic is TrafficClass.PERSON else None
    note = (
        _TRAFFIC[traffic],
        None if visitor is None else str(visitor),
        str(known.id),
        place.network,
        place.country,
        _text(place.latitude),
        _text(place.longitude),
    )
    return Scan(traffic, note, counted_only, is_recorded=True)


def note_unknown(brand: UUID, path: str, scan: Scan) -> None:
    """Write down that a code was asked for that no item has; where that cannot be, let it be."""
    if not scan.is_recorded:
        return
    try:
        fetch_one(_UNKNOWN_CODE, {"brand": brand, "path": path, **scan.named})
    except Unavailable:
        unrecorded.inc()


def _tell(agent: ReducedAgent) -> None:
    """Put an agent into the dictionary, the first time that this process meets it."""
    if len(_told) >= MOST_AGENTS:
        return
    try:
        fetch_one(_AGENT, {"id": agent.id, "text": agent.text, "kind": agent.kind.value})
    except Unavailable:
        return
    _told.add(agent.id)


_TRAFFIC = {known: str(known.value) for known in TrafficClass}


@lru_cache(maxsize=512)
def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
