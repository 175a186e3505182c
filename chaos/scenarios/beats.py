"""Several schedulers at once: periodic work is asked for thrice and takes effect once."""

import time

from chaos.faults import kill_anywhere
from chaos.lab import Lab
from chaos.overhearing import Messages
from chaos.scenarios.plan import Scenario

_MORE = ("beat-2", "beat-3")
SCANS = 200
# What a first scan leaves behind, written as the resolver does: the unit's change and one row.
_SCAN = """
with first as (
    select id, brand_id, batch_id from minting_mintunit
     where status = 0 and batch_id = %(batch)s order by ordinal limit %(count)s
), activated as (
    update minting_mintunit unit set status = 1, activated_at = now()
      from first where unit.id = first.id returning unit.id, unit.brand_id, unit.batch_id
)
insert into resolver_activation (brand_id, batch_id, unit_id)
select brand_id, batch_id, id from activated
"""
_BATCH = """
select batch_id from minting_mintjob where status = 'COMPLETED' and requested_quantity > 3000
 order by random() limit 1
"""
_UNEQUAL = """
select count(*) from minting_mintbatch batch
 where activated_quantity <> (select count(*) from minting_mintunit unit
                               where unit.batch_id = batch.id and unit.status = 1)
"""


def run(lab: Lab, count: int) -> None:
    """Let three schedulers sweep and count at once while units are scanned and workers die."""
    for alias in _MORE:
        lab.start_beat(alias)
    pids = {str(lab.stack.pid(alias)) for alias in ("beat", *_MORE)}
    batch = lab.wait_for("a batch of some size", _BATCH, None)
    with Messages(lab.stack.environment()["REDIS_URL"]) as messages:
        for _ in range(count):
            lab.check_load()
            lab.execute(_SCAN, parameters={"batch": batch, "count": SCANS})
            kill_anywhere(lab, whole=False)
            time.sleep(2.0)
            batch = lab.value(_BATCH)
        lab.wait_for(
            "activations to be counted", "select not exists (table resolver_activation)", None
        )
    senders = [name for name in messages.by_sender if name.split("@")[0].strip("gen") in pids]
    lab.record.expect(len(senders) == 3, f"schedulers that were heard: {sorted(senders)}")
    wrong = lab.value(_UNEQUAL)
    lab.record.expect(not wrong, f"{wrong} batches count an activation twice or never")
    for alias in _MORE:
        lab.stack.stop(alias)
    lab.record.count("three schedulers at once", times=len(senders) // 3)
    asked = sum(messages.by_sender[name] for name in senders)
    lab.record.figure("periodic_tasks_asked_for", asked, at_least=1)


SCENARIOS = (
    Scenario("beats", "32: periodic effects happen once however often asked", run, 0, 3, 40),
)
