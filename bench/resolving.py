"""The resolver at a million units: how many scans a second, beside what else could answer them.

The units are active already, so that every scan is a lookup and a redirect. Half of the codes are
GS1 Digital Links with the token as serial number, half ``/mu/`` codes. All servers run at once and
are visited in turns, in the reverse order each other time. A ratio is taken within a turn and its
median over the turns, so that what slows the machine down for a while slows both sides.
"""

import http.client
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import minting, pacing
from bench.figures import Figures
from bench.load import Scans, Wrk, find_wrk
from bench.minting import finished, settle
from bench.peers.places import Places
from bench.servers import (
    ASYNCPG,
    CALLABLE,
    DJANGO,
    EXPRESS,
    KINDS,
    NGINX,
    OURS,
    SCANS_RECORDED,
    UNRECORDED,
    Peers,
    Servers,
)
from bench.system import GTIN, BenchFailed, System
from tieback.stack.ports import HOST

CODES = 100_000
# Short and many: a machine that others share changes its speed from one second to the next.
SECONDS = 1
VISITS_A_ROUND = 4
WARM_UP_SECONDS = 2
_CHECKED = 200
# Figure, what is divided, by what. asyncpg shows what the machine can do, so neither of the two
# records scans; Express and Django are what one would use instead, so ours does all of its work.
RATIOS = (
    ("resolver.vs_callable", OURS, CALLABLE),
    ("resolver.vs_asyncpg", UNRECORDED, ASYNCPG),
    ("resolver.vs_express", OURS, EXPRESS),
    ("resolver.vs_django_orm", OURS, DJANGO),
    ("resolver.telemetry_vs_none", OURS, UNRECORDED),
    ("resolver.of_nginx", OURS, NGINX),
)
_DRAW = "select token from minting_mintunit order by random() limit %s"
_ACTIVATE = """
update minting_mintunit set status = 1, activated_at = now() where status = 0 and token = any(%s)
"""
_TABLES_OF_SCANS = r"""
select oid::regclass::text from pg_class
 where relname like 'resolver\_scan%' and relkind in ('r', 'p') and not relispartition
"""
_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/{major}.{minor} Mobile/15E148 Safari/604.1"
)
AGENTS = tuple(
    _AGENT.format(major=major, minor=minor) for major in range(15, 27) for minor in range(8)
)


def measure(
    system: System, figures: Figures, places: Places, *, units: int, rounds: int, fill: int
) -> None:
    """Note every figure of the resolver."""
    _mint(system, units)
    scans = _draw(system)
    wrk = find_wrk(places, scans)
    if wrk is None:
        for name in ("resolver.redirects_per_s", *(name for name, _, _ in RATIOS)):
            figures.leave_out(name, "no wrk: make bench-peers installs it")
        system.stack.start(OURS)
    else:
        _throughput(system, figures, places, wrk, rounds)
    pacing.measure(system, figures, scans, rounds=rounds, units=units)
    if fill:
        minting.prepare_copy_table(system)
        minting.fill_up(system, rows=fill)
        with system.superuser() as superuser:
            superuser.execute("drop table bench_copy")
        scans = _draw(system)
        pacing.measure(system, figures, scans, rounds=rounds, units=units, suffix="_at_10m")


def _mint(system: System, units: int) -> None:
    with system.superuser() as superuser:
        job = system.submit(units, activation_mode="active_at_mint")
        finished(superuser, job["mint_job_id"])
        superuser.execute("vacuum analyze minting_mintunit")
        settle(superuser)


def _draw(system: System) -> Scans:
    """Choose codes from the whole table, and make those active that are not yet."""
    with system.superuser() as superuser:
        rows = superuser.execute(_DRAW, [CODES]).fetchall()
        superuser.execute(_ACTIVATE, [[token for (token,) in rows]])
        settle(superuser)
    starts = (f"/01/{GTIN}/21/", "/mu/")
    paths = [f"{starts[at % 2]}{token}" for at, (token,) in enumerate(rows)]
    scans = Scans(system.stack.home / "scans", system.host, paths, AGENTS)
    scans.write()
    return scans


def _throughput(system: System, figures: Figures, places: Places, wrk: Wrk, rounds: int) -> None:
    scans = wrk.scans
    sample = {
        "BENCH_HOST": scans.host,
        "BENCH_AGENT": scans.agents[0],
        "BENCH_LINK": scans.paths[0],
        "BENCH_UNIT_LINK": scans.paths[1],
    }
    with Peers(system, places, sample).running() as servers, system.superuser() as superuser:
        for name, port in servers.ports.items():
            _check(name, port, scans)
        records = _warm_up(superuser, servers, wrk)
        settle(superuser)
        rates = _visits(servers, wrk, rounds * VISITS_A_ROUND)
    _note(figures, servers, rates, records=records)


def _check(name: str, port: int, scans: Scans) -> None:
    """Ask a server for some codes and compare each answer to the letter."""
    client = http.client.HTTPConnection(HOST, port, timeout=10)
    for at, path in enumerate(scans.paths[:_CHECKED]):
        agent = scans.agents[at % len(scans.agents)]
        client.request("GET", path, headers={"Host": scans.host, "User-Agent": agent})
        answer = client.getresponse()
        answer.read()
        # nginx looks nothing up.
        wanted = f"/p{path}" if name == NGINX else f"/p/{path.rpartition('/')[2]}"
        if (answer.status, answer.headers["Location"]) != (307, wanted):
            raise BenchFailed(f"{name} {path}: {answer.status} {answer.headers['Location']}")
    client.close()


@dataclass(frozen=True)
class Records:
    """How many rows of scans a warm-up with and without them has left."""

    recorded: int
    unrecorded: int


def _warm_up(superuser: "psycopg.Connection[Any]", servers: Servers, wrk: Wrk) -> Records:
    """Visit each server once; say what that has left of scans at the resolver's two."""
    left: dict[str, int] = {}
    for name, port in servers.ports.items():
        before = _scans_kept(superuser)
        wrk.redirects_per_s(port, seconds=WARM_UP_SECONDS, seed=0)
        left[name] = _scans_kept(superuser) - before
    return Records(left[OURS], left[UNRECORDED])


def _scans_kept(superuser: "psycopg.Connection[Any]") -> int:
    """Count the scans on record, once those still on their way have come to rest."""
    kept = -1
    while (now := _count_scans(superuser)) != kept:
        kept = now
        time.sleep(0.2)
    return kept


def _count_scans(superuser: "psycopg.Connection[Any]") -> int:
    tables = [name for (name,) in superuser.execute(_TABLES_OF_SCANS).fetchall()]
    counts = [superuser.execute(f"select count(*) from {name}").fetchone() for name in tables]
    return sum(row[0] for row in counts if row)


def _visits(servers: Servers, wrk: Wrk, visits: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in servers.ports}
    seed = random.SystemRandom().randrange(1 << 31)
    for number in range(visits):
        names = list(servers.ports)
        for name in names if number % 2 == 0 else reversed(names):
            port = servers.ports[name]
            rate = wrk.redirects_per_s(port, seconds=SECONDS, seed=seed + number)
            rates[name].append(rate)
    return rates


def _note(
    figures: Figures, servers: Servers, rates: dict[str, list[float]], *, records: Records
) -> None:
    reasons = dict(servers.missing)
    if not records.recorded:
        reasons[UNRECORDED] = "no scan was recorded"
    elif records.unrecorded:
        reasons[UNRECORDED] = f"{SCANS_RECORDED} did not turn the record of scans off"
    figures.note_rounds("resolver.redirects_per_s", rates[OURS])
    for name in KINDS[1:]:
        if name in rates:
            figures.note_rounds(f"resolver.{name}_per_s", rates[name])
    for figure, one, other in RATIOS:
        if other in reasons:
            figures.leave_out(figure, reasons[other])
        else:
            figures.note_rounds(figure, ratios(rates[one], rates[other]))


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Divide round by round."""
    return [one / other for one, other in zip(ones, others, strict=True)]
