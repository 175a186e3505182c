"""The queue in figures, read from the rows in one statement: for the console and for Prometheus.

The statement names tables instead of importing models, so that the console's site can show the
figures while every app registers its pages with that site.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# Counting stops here, so that a roll-up that stands still does not slow its own alarm down.
MOST_COUNTED = 1_000_000
LONG_WAIT_SECONDS = 900
# Scans of a day that is not there are answered and not written down. A day is made each day.
FEWEST_SCAN_DAYS_AHEAD = 3

#: Every kind of drift that reconciliation finds (minting/states.py).
DRIFTS = (
    *("transaction_missing", "transaction_in_vain", "submission_unfounded", "anchor_missing"),
    *("document_missing", "tree_missing", "leaf_missing", "transaction_landed", "landed_twice"),
    *("orphan_anchor", "unknown_spending", "leaf_unrecorded", "unknown_leaf", "memo_differs"),
    *("document_differs", "tree_supply_differs", "tree_authority_differs", "owner_differs"),
    *("leaf_differs", "metadata_stale", "sequence_gap", "root_differs"),
)

# Waiting is a job that any worker may claim now or after its wait for another attempt, and not one
# that a person has paused; an ended lease that still has an owner is a worker that died. Every
# state is named, so that a gauge falls to 0 and not away.
_FIGURES = """
with standing as (
    select job.status, job.priority, job.queued_at, job.owner,
           job.status = 'QUEUED' or job.lease_until <= clock_timestamp() as idle,
           exists (select from minting_mintpause as pause
                    where pause.job_id = job.id
                       or (pause.job_id is null and pause.brand_id = job.brand_id)
                       or pause.priority = job.priority) as paused
      from minting_mintjob as job
     where job.status in ('QUEUED', 'RESERVED', 'PROCESSING')
), live as (
    select status, priority, queued_at, owner, paused, idle and not paused as waiting
      from standing
), jobs as (
    select name, coalesce(total, 0) as total, place
      from unnest(array['QUEUED', 'RESERVED', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'])
           with ordinality as known (name, place)
      left join (select status, count(*) as total from minting_mintjob group by status) as counted
        on counted.status = name
), waiting as (
    select name, count(live.status) as total, place
      from unnest(array['urgent', 'high', 'standard']) with ordinality as known (name, place)
      left join live on live.waiting and live.priority = place - 1
     group by name, place
), builds as (
    select name, coalesce(total, 0) as total, place
      from unnest(array['pending', 'generating', 'completed', 'failed'])
           with ordinality as known (name, place)
      left join (select status, count(*) as total from exports_packbuild group by status)
           as counted on counted.status = name
), proofs as (
    select name, coalesce(total, 0) as total, place
      from unnest(array['pending', 'signed', 'failed']) with ordinality as known (name, place)
      left join (select status, count(*) as total from minting_batchproof group by status)
           as counted on counted.status = name
), endpoints as (
    select name, case status when 'open' then 1 else 0 end as is_open, position
      from minting_rpcendpoint where enabled
), submissions as (
    select name, coalesce(total, 0) as total, place
      from unnest(array['pending', 'sent', 'completed', 'failed'])
           with ordinality as known (name, place)
      left join (select status, count(*) as total from minting_chainsubmission group by status)
           as counted on counted.status = name
), documents as (
    select name, coalesce(total, 0) as total, place
      from unnest(array['pending', 'pinned', 'failed']) with ordinality as known (name, place)
      left join (select status, count(*) as total from minting_metadatadocument group by status)
           as counted on counted.status = name
), assets as (
    select name, place, total
      from (values
          ('pending', 1, (select count(*) from (
              select from minting_unitasset where status = 'pending' limit %(most)s) as few)),
          ('processing', 2, (select count(*) from (
              select from minting_unitasset where status = 'processing' limit %(most)s) as few)),
          ('failed', 3, (select count(*) from (
              select from minting_unitasset where status = 'failed' limit %(most)s) as few)),
          ('missing_on_chain', 4, (select count(*) from (
              select from minting_unitasset
               where status = 'missing_on_chain' limit %(most)s) as few))
      ) as counted (name, place, total)
), trees as (
    select name, coalesce(total, 0) as total, place
      from unnest(array['creating', 'active', 'full', 'archived', 'failed'])
           with ordinality as known (name, place)
      left join (select status, count(*) as total from minting_chaintree group by status)
           as counted on counted.status = name
), drifts as (
    select name, coalesce(total, 0) as total, place
      from unnest(%(drifts)s::text[]) with ordinality as known (name, place)
      left join (select kind, count(*) as total from minting_chaindrift
                  where status in ('left', 'quarantined') group by kind)
           as counted on counted.kind = name
)
select clock_timestamp(),
       (select json_object_agg(name, total order by place) from jobs),
       (select json_object_agg(name, total order by place) from waiting),
       (select extract(epoch from clock_timestamp() - min(queued_at))::float8
          from live where waiting),
       (select count(*) from live where paused),
       (select count(*) from live where waiting and status <> 'QUEUED' and owner <> ''),
       (select json_object_agg(name, total order by place) from builds),
       (select json_object_agg(name, total order by place) from proofs),
       (select json_object_agg(name, total order by place) from submissions),
       (select json_object_agg(name, total order by place) from documents),
       (select json_object_agg(name, total order by place) from assets),
       (select json_object_agg(name, total order by place) from trees),
       (select count(*) from minting_chaintree
         where trouble <> '' and status in ('active', 'full')),
       (select json_object_agg(name, total order by place) from drifts),
       (select extract(epoch from clock_timestamp() - finished_at)::float8
          from minting_reconciliationrun where status = 'completed'
         order by created_at desc, id desc limit 1),
       (select count(*) from exports_packbuild
         where status = 'generating' and owner <> '' and lease_until <= clock_timestamp()),
       (select count(*) from (select from resolver_activation limit %(most)s) as first_ones),
       (select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'resolver_scanevent'::regclass
           and to_date(right(c.relname, 8), 'YYYYMMDD')
             > (clock_timestamp() at time zone 'UTC')::date),
       (select extract(epoch from clock_timestamp() - as_of)::float8 from resolver_scanprogress),
       (select coalesce(json_object_agg(name, is_open order by position, name), '{}')
          from endpoints)
"""


@dataclass(frozen=True)
class QueueFigures:
    """How the queue stood at one moment."""

    as_of: datetime
    jobs: dict[str, int]
    waiting: dict[str, int]
    oldest_waiting_seconds: float | None
    paused_jobs: int
    expired_job_leases: int
    builds: dict[str, int]
    proofs: dict[str, int]
    submissions: dict[str, int]
    documents: dict[str, int]
    assets: dict[str, int]
    trees: dict[str, int]
    trees_in_trouble: int
    drifts: dict[str, int]
    reconciled_seconds_ago: float | None
    expired_build_leases: int
    activations_uncounted: int
    scan_days_ahead: int
    scans_counted_seconds_ago: float | None
    endpoints_open: dict[str, int]

    @property
    def drifts_total(self) -> int:
        """Drifts that wait for a person or for the next run."""
        return sum(self.drifts.values())

    @property
    def no_endpoint_answers(self) -> bool:
        """Whether there are endpoints of the chain, and all of them rest."""
        return bool(self.endpoints_open) and all(self.endpoints_open.values())

    @property
    def runs_out_of_scan_days(self) -> bool:
        """Whether the days that scans are written into are no longer made."""
        return self.scan_days_ahead < FEWEST_SCAN_DAYS_AHEAD

    @property
    def counts_no_scans(self) -> bool:
        """Whether scans were counted once, and are no longer."""
        return (self.scans_counted_seconds_ago or 0) > LONG_WAIT_SECONDS

    @property
    def scans_counted(self) -> str:
        """When scans were last counted, in words."""
        seconds = self.scans_counted_seconds_ago
        return "never" if seconds is None else f"{duration(seconds)} ago"

    @property
    def waiting_total(self) -> int:
        """Jobs that wait for a worker, whatever their priority."""
        return sum(self.waiting.values())

    @property
    def waits_too_long(self) -> bool:
        """Whether the oldest waiting job has waited longer than any queue should let it."""
        return (self.oldest_waiting_seconds or 0) > LONG_WAIT_SECONDS

    @property
    def oldest_waiting(self) -> str:
        """How long the oldest waiting job has waited, in words."""
        seconds = self.oldest_waiting_seconds
        return "nothing waits" if seconds is None else duration(seconds)

    def as_json(self) -> dict[str, Any]:
        """Return the figures as the console's JSON shows them."""
        return {
            "as_of": self.as_of.isoformat(),
            "waiting": {**self.waiting, "total": self.waiting_total},
            "oldest_waiting_seconds": self.oldest_waiting_seconds,
            "paused_jobs": self.paused_jobs,
            "jobs": self.jobs,
            "pack_builds": self.builds,
            "proofs": self.proofs,
            "submissions": self.submissions,
            "metadata_documents": self.documents,
            "assets": self.assets,
            "trees": self.trees,
            "trees_in_trouble": self.trees_in_trouble,
            "drifts": self.drifts,
            "reconciled_seconds_ago": self.reconciled_seconds_ago,
            "expired_leases": {
                "mint": self.expired_job_leases,
                "exports": self.expired_build_leases,
            },
            "activations_uncounted": self.activations_uncounted,
            "scan_days_ahead": self.scan_days_ahead,
            "scans_counted_seconds_ago": self.scans_counted_seconds_ago,
            "endpoints_open": self.endpoints_open,
        }


def read_figures() -> QueueFigures:
    """Read all figures as of now, of every brand."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"most": MOST_COUNTED, "drifts": list(DRIFTS)})
        return QueueFigures(*cursor.fetchone())


def duration(seconds: float) -> str:
    """Return a length of time as people say it, in its two largest units."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:  # noqa: PLR2004 - the two largest units
            break
    return " ".join(parts)


class FiguresCollector(Collector):
    """The figures as Prometheus gauges; a registry of its own, since they come from the rows."""

    def __init__(self, figures: QueueFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield each gauge with its samples."""
        figures = self._figures
        yield _by(
            "mint_queue_depth", "Mint jobs waiting for a worker.", "priority", figures.waiting
        )
        yield GaugeMetricFamily(
            "tieback_oldest_waiting_job_age_seconds",
            "How long the oldest waiting mint job has waited; 0 where none waits.",
            figures.oldest_waiting_seconds or 0.0,
        )
        yield GaugeMetricFamily(
            "tieback_paused_jobs",
            "Live mint jobs that a person has paused, by themselves, their brand or their queue.",
            figures.paused_jobs,
        )
        yield _by("tieback_mint_jobs", "Mint jobs by status.", "status", figures.jobs)
        yield _by("tieback_pack_builds", "Pack builds by status.", "status", figures.builds)
        yield _by("tieback_proofs", "Proofs of batches by status.", "status", figures.proofs)
        yield _by(
            "tieback_chain_submissions",
            "Submissions to a chain by status.",
            "status",
            figures.submissions,
        )
        yield _by(
            "tieback_metadata_documents",
            "Metadata documents by status.",
            "status",
            figures.documents,
        )
        yield _by("tieback_trees", "Trees on a chain by status.", "status", figures.trees)
        yield GaugeMetricFamily(
            "tieback_trees_in_trouble",
            "Trees in use of which the chain says something else than is known.",
            figures.trees_in_trouble,
        )
        yield _by(
            "tieback_reconciliation_drifts",
            "In what database and chain differ, and nobody has decided yet.",
            "kind",
            figures.drifts,
        )
        yield GaugeMetricFamily(
            "tieback_reconciliation_age_seconds",
            "How long ago a reconciliation was last completed; 0 where none ever was.",
            figures.reconciled_seconds_ago or 0.0,
        )
        yield _by(
            "tieback_assets",
            "Compressed NFTs that are not completed, by status.",
            "status",
            figures.assets,
        )
        yield _by(
            "tieback_expired_leases",
            "Work whose worker died and that nobody has taken over yet.",
            "queue",
            {"mint": figures.expired_job_leases, "exports": figures.expired_build_leases},
        )
        yield GaugeMetricFamily(
            "tieback_activations_uncounted",
            f"First scans not yet counted into their batches; counted up to {MOST_COUNTED}.",
            figures.activations_uncounted,
        )
        yield GaugeMetricFamily(
            "tieback_scan_days_ahead",
            "Days after today that scans can be written into.",
            figures.scan_days_ahead,
        )
        yield GaugeMetricFamily(
            "tieback_scans_counted_age_seconds",
            "How long ago scans were last counted; 0 where they never were.",
            figures.scans_counted_seconds_ago or 0.0,
        )
        yield _by(
            "tieback_rpc_breaker_open",
            "Whether an endpoint of the chain is left alone, for having failed too often.",
            "endpoint",
            figures.endpoints_open,
        )


def figures_registry() -> CollectorRegistry:
    """Return a registry that holds the figures of this moment."""
    registry = CollectorRegistry()
    registry.register(FiguresCollector(read_figures()))
    return registry


def _by(name: str, words: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, words, labels=[label])
    for value, count in values.items():
        gauge.add_metric([value], count)
    return gauge
