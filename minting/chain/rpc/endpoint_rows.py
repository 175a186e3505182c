"""The rows of endpoints: read when a process begins to ask, written every few seconds.

Several processes ask the same endpoints, each with a breaker of its own. What one of them has
counted is added; what it has found out holds unless another, or a person, has found out something
later. Moments go to the database and come from it as seconds ago and seconds left, so that the
clocks of machines need not agree.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from minting.chain.networks import Promise
from minting.chain.rpc.addresses import host_of
from minting.models import RpcEndpoint

log = structlog.get_logger(__name__)

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('tieback.rpc_endpoints', 0))"
_ENABLED = """
select id, name, url, per_second, position, status, opened_times,
       greatest(0, coalesce(extract(epoch from rests_until - clock_timestamp()), 0))::float8,
       failure_rate, average_latency_ms, slot_lag, last_error
  from minting_rpcendpoint
 where enabled and blockchain = 'solana'
 order by position, id
"""
# The rows are held in one order, so that no two processes wait for each other. Who noted something
# before the row was last changed adds its counts and changes nothing else.
_WRITE = """
with noted as (
    select *, statement_timestamp() - make_interval(secs => seconds_ago) as at
      from jsonb_to_recordset(%(notes)s::jsonb) as note
           (id bigint, successes bigint, failures bigint, seconds_ago float8,
            success_seconds_ago float8, failure_seconds_ago float8, last_error text, status text,
            opened_times int, rest float8, failure_rate float8, latency_ms float8, slot bigint,
            slot_lag bigint)
), held as (
    select id from minting_rpcendpoint where id in (select id from noted)
     order by id for no key update
)
update minting_rpcendpoint as endpoint
   set success_count = endpoint.success_count + noted.successes,
       failure_count = endpoint.failure_count + noted.failures,
       last_success_at = greatest(endpoint.last_success_at,
           statement_timestamp() - make_interval(secs => noted.success_seconds_ago)),
       last_failure_at = greatest(endpoint.last_failure_at,
           statement_timestamp() - make_interval(secs => noted.failure_seconds_ago)),
       last_error = case when noted.at >= endpoint.updated_at
           then noted.last_error else endpoint.last_error end,
       status = case when noted.at >= endpoint.updated_at
           then noted.status else endpoint.status end,
       opened_times = case when noted.at >= endpoint.updated_at
           then noted.opened_times else endpoint.opened_times end,
       rests_until = case when noted.at < endpoint.updated_at then endpoint.rests_until
           when noted.rest > 0 or noted.status = 'open'
           then statement_timestamp() + make_interval(secs => noted.rest) end,
       failure_rate = case when noted.at >= endpoint.updated_at
           then noted.failure_rate else endpoint.failure_rate end,
       average_latency_ms = case when noted.at >= endpoint.updated_at
           then coalesce(noted.latency_ms, endpoint.average_latency_ms)
           else endpoint.average_latency_ms end,
       slot = case when noted.at >= endpoint.updated_at
           then coalesce(noted.slot, endpoint.slot) else endpoint.slot end,
       slot_lag = case when noted.at >= endpoint.updated_at
           then coalesce(noted.slot_lag, endpoint.slot_lag) else endpoint.slot_lag end,
       updated_at = greatest(endpoint.updated_at, noted.at)
  from noted join held on held.id = noted.id
 where endpoint.id = noted.id
returning endpoint.id, endpoint.enabled, endpoint.status, endpoint.opened_times,
       greatest(0, coalesce(extract(epoch from
           endpoint.rests_until - statement_timestamp()), 0))::float8,
       endpoint.updated_at > noted.at
"""
_BOUND = """
select genesis_hash from minting_chainwallet
 where network = %s and retired_at is null
 order by first_used_at desc limit 1
"""
_FORGIVE = """
update minting_rpcendpoint
   set status = 'closed', opened_times = 0, rests_until = null, failure_rate = 0, last_error = '',
       updated_at = statement_timestamp()
 where id = any(%s) and (status <> 'closed' or rests_until is not null or failure_rate > 0)
returning id
"""


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint as it stands in the database. ``rest`` in seconds from now."""

    id: int
    name: str
    url: str
    per_second: float
    position: int
    status: str
    opened_times: int
    rest: float
    failure_rate: float
    latency_ms: float | None
    slot_lag: int | None
    last_error: str

    def __repr__(self) -> str:
        return f"EndpointRow({self.name})"


@dataclass(frozen=True)
class Note:
    """What one process has to say of an endpoint: counts since its last note, and how it stands."""

    id: int
    successes: int
    failures: int
    seconds_ago: float
    success_seconds_ago: float | None
    failure_seconds_ago: float | None
    last_error: str
    status: str
    opened_times: int
    rest: float
    failure_rate: float
    latency_ms: float | None
    slot: int | None
    slot_lag: int | None


@dataclass(frozen=True)
class Standing:
    """How an endpoint stands after a note. ``is_others``: by somebody's later word."""

    id: int
    enabled: bool
    status: str
    opened_times: int
    rest: float
    is_others: bool


def read_endpoints() -> list[EndpointRow]:
    """Return the endpoints that may be asked, after the settings' own were brought into step."""
    keep_in_step(settings.SOLANA_RPC_URLS, per_second=settings.SOLANA_RPC_PER_SECOND)
    with connection.cursor() as cursor:
        cursor.execute(_ENABLED)
        return [EndpointRow(*row) for row in cursor.fetchall()]


def read_promise() -> Promise | None:
    """Return the chain that endpoints must be of; None where no network is set."""
    if not settings.SOLANA_NETWORK:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_BOUND, [settings.SOLANA_NETWORK])
        row = cursor.fetchone()
    return Promise(settings.SOLANA_NETWORK, row[0] if row else None)


def write_notes(notes: Sequence[Note]) -> list[Standing]:
    """Write down what a process has found out; return how the endpoints stand now."""
    listed = json.dumps([asdict(note) for note in notes])
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"notes": listed})
        return [Standing(*row) for row in cursor.fetchall()]


def forgive(ids: Sequence[int]) -> list[int]:
    """Close the breakers of endpoints and forget why they opened; return which had something.

    A process that is asking learns of it with its next note, within seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGIVE, [list(ids)])
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def told_without_values() -> Iterator[None]:
    """Raise a refusal of the database without its detail, which names the row and so the key."""
    refused = ""
    try:
        yield
    except IntegrityError as error:
        refused = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or "a rule"
    if refused:
        raise IntegrityError(f"the row of an endpoint breaks {refused}")


def keep_in_step(urls: Sequence[str], *, per_second: float) -> None:
    """Make the rows of the settings what the settings say: the first endpoint comes first.

    One that the settings no longer name is disabled, and enabled again when they do. Whether one
    that they name is enabled is the operators' affair.
    """
    wanted = {url: place for place, url in enumerate(urls, start=1)}
    if _is_in_step(wanted, per_second):
        return
    with told_without_values(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        known = {row.url: row for row in RpcEndpoint.objects.select_for_update().order_by("id")}
        for url, place in wanted.items():
            given: dict[str, Any] = {"position": place, "per_second": per_second}
            if url not in known:
                name = _free_name(url, {row.name for row in known.values()})
                row = RpcEndpoint(name=name, url=url, from_settings=True, **given)
                row.save(force_insert=True)
                known[url] = row
                continue
            row = known[url]
            given |= {} if row.from_settings else {"enabled": True, "from_settings": True}
            RpcEndpoint.objects.filter(pk=row.pk).update(**given)
        gone = RpcEndpoint.objects.filter(from_settings=True).exclude(url__in=wanted)
        gone.update(enabled=False, from_settings=False)
    log.info("rpc_endpoints_kept_in_step", named=len(wanted))


def _is_in_step(wanted: dict[str, int], per_second: float) -> bool:
    rows = RpcEndpoint.objects.filter(from_settings=True)
    kept = {
        url: (place, rate) for url, place, rate in rows.values_list("url", "position", "per_second")
    }
    return kept == {url: (place, per_second) for url, place in wanted.items()}


def _free_name(url: str, taken: set[str]) -> str:
    """Return the host, with a number where several endpoints are of one host."""
    host = host_of(url)[:90]
    names = [host, *(f"{host} {number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
