"""Exports: the store fails in every way, and builders die between any two of its calls."""

import time

from bench.system import wait_until
from chaos.faults import kill_at
from chaos.lab import Lab
from chaos.proxy import Trap
from chaos.scenarios.plan import Scenario
from minting.crash_orders import NAMES

_POINTS = tuple(name for name in NAMES if name.startswith("exports."))
_TRAPS = {
    Trap.REPLY: "store answered 503",
    Trap.HANG: "store timed out",
    Trap.BEFORE: "store reset the connection before a PUT",
    Trap.SENT: "store reset the connection in a PUT",
    Trap.ANSWERED: "store's answer to a PUT was lost",
}
_STORED = """
select storage_key, sha256 from exports_payloadpack
union all select manifest_key, manifest_sha256 from exports_packbuild order by 1
"""
# The same builds once more, with nobody disturbing them: the moment they show stays the same.
_AGAIN = (
    "begin",
    "set local session_replication_role = replica",
    "delete from exports_payloadpack",
    # They are completed a second time, and told so then.
    "delete from minting_mintevent where type = 'packs.completed'",
    """update exports_packbuild
          set status = 'pending', packs_done = 0, packs_done_at_claim = 0, manifest_key = '',
              manifest_sha256 = '', finished_at = null, owner = '', lease_until = null,
              consecutive_errors = 0, crashes_without_progress = 0, last_error = ''""",
    "commit",
)


def faults(lab: Lab, count: int) -> None:
    """Fail PUT after PUT, now and then the whole store, then compare with an undisturbed run."""
    for number in range(count):
        lab.check_load()
        if number % 6 == 5:
            _away(lab)
            continue
        trap = list(_TRAPS)[number % len(_TRAPS)]
        before = lab.store.sprung[trap]
        lab.store.arm(trap)
        wait_until(
            f"a PUT to meet: {trap.value}",
            lambda t=trap, b=before: True if lab.store.sprung[t] > b else None,  # type: ignore[misc]
            seconds=60,
        )
        lab.record.count(_TRAPS[trap])
    _compare_with_undisturbed(lab)


def _away(lab: Lab) -> None:
    """Let the store be away for some seconds: longer than a call's own attempts."""
    lab.store.refuse(refusing=True)
    cut = lab.store.cut_all()
    time.sleep(4)
    lab.store.refuse(refusing=False)
    lab.record.count("store away for 4 s", working=cut > 0)


def kills(lab: Lab, count: int) -> None:
    """Kill builders between any two calls, then compare with an undisturbed run."""
    for number in range(count):
        lab.check_load()
        kill_at(lab, _POINTS[number % len(_POINTS)], whole=number % 4 == 3)
    _compare_with_undisturbed(lab)


def _compare_with_undisturbed(lab: Lab) -> None:
    """Build everything again in peace: each file must have the bytes of the disturbed run."""
    lab.stop_load()
    lab.wait_rest()
    disturbed = lab.rows(_STORED)
    lab.execute(*_AGAIN)
    lab.wait_rest()
    undisturbed = lab.rows(_STORED)
    differing = [a for a, b in zip(disturbed, undisturbed, strict=False) if a != b]
    lab.record.expect(
        len(disturbed) == len(undisturbed) and not differing,
        f"{len(differing)} of {len(disturbed)} files differ from the undisturbed run",
    )
    lab.record.figure("files_compared", len(disturbed), at_least=1)


SCENARIOS = (
    Scenario(
        *("export_store", "25: exports survive their store", faults, 0, 12, 100),
        excused=frozenset({"I12"}),
    ),
    Scenario("export_kills", "25: exports survive their builders", kills, 0, 6, 100),
)
