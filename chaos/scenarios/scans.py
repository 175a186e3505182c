"""The resolver and its database killed while phones scan: what was answered stays true."""

import time

import psutil

from bench.system import wait_until
from chaos.faults import restart_database, wait_for_death
from chaos.lab import Lab
from chaos.scans import Phones
from chaos.scenarios.plan import Scenario

# Enough codes that some are scanned for the first time whenever something is killed.
UNITS_OF_A_FAULT = 2_500
# Of the resolver: how many answer.
PROCESSES = 2
# The server takes two deaths of one process within 5.5 s for a fault that will not go away, and
# ends; whoever started it starts it again. That is `kill resolver`.
APART_SECONDS = 6.0
# The server may lose what its log writer had not flushed: three times its delay of 200 ms.
MOST_LOST_SECONDS = 0.6

_CODES = """
select format('/01/%%s/21/%%s', batch.gtin, unit.token)
  from minting_mintunit unit join minting_mintbatch batch on batch.id = unit.batch_id
  join minting_mintjob job on job.batch_id = batch.id
 where job.id = %s order by unit.ordinal
"""
_ACTIVE = """
select format('/01/%s/21/%s', batch.gtin, unit.token)
  from minting_mintunit unit join minting_mintbatch batch on batch.id = unit.batch_id
 where unit.status = 1
"""
_EVENTS = "select count(*) from resolver_scanevent"
_FIRSTS = """
select count(*), count(distinct unit_id) from resolver_scanevent where is_first
"""
_COUNTED = """
select (select coalesce(sum(activated_quantity), 0) from minting_mintbatch)
     + (select count(*) from resolver_activation)
"""


def resolver(lab: Lab, count: int) -> None:
    """Kill a process of the resolver, or all of it; no scan that was answered is lost."""
    phones = _start(lab, count)
    for number in range(count):
        time.sleep(lab.dice.uniform(0.2, 0.8))
        if number % 3:
            _kill_child(lab)
            time.sleep(APART_SECONDS)
        else:
            lab.stack.kill("resolver")
            lab.stack.start("resolver")
            lab.record.count("kill resolver", working=not phones.is_done)
    _end(lab, phones)
    lab.record.figure("scans_lost", max(0, phones.answered - lab.value(_EVENTS)), at_most=0.5)


def database(lab: Lab, count: int) -> None:
    """Kill PostgreSQL; scans of its last moment may be lost, no activation that was answered."""
    phones = _start(lab, count)
    for number in range(count):
        time.sleep(lab.dice.uniform(1.0, 2.0))
        restart_database(lab, immediate=number % 4 != 3, working=not phones.is_done)
    rate = _end(lab, phones)
    lost = max(0, phones.answered - lab.value(_EVENTS))
    lab.record.figure("scans_lost", lost, at_most=max(0.5, MOST_LOST_SECONDS * rate * count))


def _start(lab: Lab, count: int) -> Phones:
    """Mint what is scanned, and let phones begin."""
    job = lab.clients[0].submit(UNITS_OF_A_FAULT * count)
    lab.wait_ended([job])
    if not lab.stack.supervisor.is_running("resolver"):
        lab.stack.start("resolver")
    host = lab.value(
        "select resolver_host from brands_brand where id = "
        "(select brand_id from minting_mintjob where id = %s)",
        [job],
    )
    codes = [row[0] for row in lab.rows(_CODES, [job])]
    phones = Phones(lab.stack.url("resolver"), host, codes)
    phones.start()
    return phones


def _kill_child(lab: Lab) -> None:
    """Kill one of the processes that answer; the server that holds them starts another."""
    parent = psutil.Process(lab.stack.pid("resolver"))
    child = lab.dice.choice(wait_until("a resolver to run", lambda: serving(parent), seconds=30))
    child.kill()
    wait_for_death(child.pid)

    def is_replaced() -> bool | None:
        pids = {other.pid for other in serving(parent)}
        return (len(pids) == PROCESSES and child.pid not in pids) or None

    wait_until("another process to be started", is_replaced, seconds=30)
    lab.record.count("kill process of the resolver")


def serving(parent: psutil.Process) -> list[psutil.Process]:
    """Return the processes of a resolver that answer."""
    return [child for child in parent.children() if _serves(child)]


def _serves(process: psutil.Process) -> bool:
    # Beside those that serve Python keeps a process that sees to what they share.
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _end(lab: Lab, phones: Phones) -> float:
    """Stop the phones and compare what they were told with what is stored; return scans/s."""
    began = phones.answered, time.monotonic()
    time.sleep(1)
    rate = (phones.answered - began[0]) / (time.monotonic() - began[1])
    phones.stop()
    lab.stack.stop("resolver")
    told = {code for code, times in phones.first.items() if times}
    active = {row[0] for row in lab.rows(_ACTIVE)}
    expect, figure = lab.record.expect, lab.record.figure
    expect(told, "nobody was told that theirs was the first scan")
    expect(not told - active, f"{len(told - active)} first scans were answered and are not stored")
    twice = [code for code, times in phones.first.items() if times > 1]
    expect(not twice, f"{len(twice)} units were scanned first more than once")
    expect(not phones.odd.keys() - {503}, f"odd answers: {dict(phones.odd)}")
    (events, units) = lab.rows(_FIRSTS)[0]
    expect(events == units == len(active), f"{len(active)} active, {events} first scans noted")
    expect(lab.value(_COUNTED) == len(active), "activations and their count differ")
    figure("scans_answered", phones.answered)
    figure("first_scans_answered", len(told))
    figure("activated_unanswered", len(active - told))
    return rate


SCENARIOS = (
    Scenario(
        *("resolver_kills", "37: a scan that was answered is kept", resolver, 2, 9, 60),
        has_load=False,
    ),
    Scenario(
        *("scans_database", "37: an activation that was answered is kept", database, 0, 4, 40),
        has_load=False,
    ),
)
