"""Metrics for Prometheus: counters of every process, and gauges read from the database.

With several processes behind one port the counters are summed from files in
``PROMETHEUS_MULTIPROC_DIR``; that mode drops custom collectors, so the gauges that come from SQL
have an endpoint of their own on the console (``/metrics/queue``). Names the earlier service's
dashboards know are kept.
"""

import hmac
import os
from collections.abc import Iterator
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector

MINTS_SUCCEEDED = Counter("mints_succeeded_total", "Units minted.")
MINTS_FAILED = Counter("mints_failed_total", "Mint jobs that ended FAILED.")
MINT_RETRIES = Counter("mint_retries_total", "Cycles that met an error and will be tried again.")
MINT_DURATION = Histogram(
    "mint_duration_seconds",
    "From submission to completion of a mint job.",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600),
)
CYCLE_DURATION = Histogram(
    "tieback_cycle_duration_seconds",
    "One atomic cycle, claim check to commit.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5),
)
FENCED = Counter("tieback_fenced_total", "Writes refused because another worker holds the job.")
INTERRUPTED = Counter(
    "tieback_interruptions_total", "Steps cut by a lost connection, a deadlock or a stop."
)
DOORBELLS_LOST = Counter("tieback_doorbells_lost_total", "Messages the broker did not take.")
PACKS_BUILT = Counter("tieback_packs_built_total", "Packs uploaded.")
PACK_BYTES = Counter("tieback_pack_bytes_total", "Bytes of packs uploaded.")
RATE_LIMITED = Counter("tieback_rate_limited_total", "Requests refused as too many a minute.")
RATE_LIMIT_SKIPPED = Counter(
    "tieback_rate_limit_skipped_total", "Requests not counted because Redis did not answer."
)
SCANS = Counter("tieback_scans_total", "Answers of the resolver.", ["outcome"])
TAGS = Counter(
    "tieback_tag_messages_total", "Messages of NFC tags, by what they show.", ["verdict"]
)
RPC_REQUESTS = Counter(
    "tieback_rpc_requests_total",
    "Requests to endpoints of a chain, by what came of them.",
    ["endpoint", "outcome"],
)
RPC_DURATION = Histogram(
    "tieback_rpc_duration_seconds",
    "One answered request to an endpoint of a chain.",
    ["endpoint"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CHAIN_PAYER_LAMPORTS = Gauge(
    "tieback_chain_payer_lamports",
    "What the payer's account held when it was last asked for.",
    multiprocess_mode="mostrecent",
)
CHAIN_LACKING_LAMPORTS = Gauge(
    "tieback_chain_lacking_lamports",
    "How much more the payer needs for what is to be sent now.",
    multiprocess_mode="mostrecent",
)
CHAIN_CONGESTION = Gauge(
    "tieback_chain_congestion",
    "How hard it is to be taken by the chain: 0 low, 1 normal, 2 high.",
    multiprocess_mode="mostrecent",
)
CHAIN_MICRO_LAMPORTS = Gauge(
    "tieback_chain_price_micro_lamports",
    "What the chain asks for each compute unit, as it was last heard.",
    multiprocess_mode="mostrecent",
)
CHAIN_HELD_BACK = Counter(
    "tieback_chain_held_back_total", "Times that a brand's daily cap kept spending from beginning."
)
TREE_LEAVES_LACKING = Gauge(
    "tieback_tree_leaves_lacking",
    "Assets that wait and that no tree has a leaf for, not even one that is being made.",
    multiprocess_mode="mostrecent",
)
CHAIN_TRANSACTIONS = Counter(
    "tieback_chain_transactions_total", "What has become of transactions.", ["outcome"]
)
RECONCILIATIONS = Counter(
    "tieback_reconciliations_total", "Reconciliations that have ended.", ["outcome"]
)
ASSETS_COMPLETED = Counter(
    "tieback_assets_completed_total", "Compressed NFTs whose leaf was read from the chain."
)


def registry() -> CollectorRegistry:
    """Return the registry to scrape: the process's own, or the sum over the process group."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    summed = CollectorRegistry()
    MultiProcessCollector(summed)  # type: ignore[no-untyped-call]
    return summed


def begin_own_files() -> None:
    """Give a process that was forked files of its own, before it has anything to count.

    The library does that at the first count, metric by metric. Where it is interrupted there, some
    stay with files that are closed, and whoever counts by them fails for as long as the process
    lives.
    """
    MINTS_SUCCEEDED.inc(0)


def serve_in_background(port: int) -> None:
    """Serve the metrics of a process that has no HTTP server of its own; 0 means do not."""
    if port:
        start_http_server(
            port, addr=os.environ.get("PROMETHEUS_HOST", "127.0.0.1"), registry=registry()
        )


def allowed(authorization: str) -> bool:
    """Say whether a scraper with this ``Authorization`` header may read."""
    token = settings.METRICS_TOKEN
    return not token or hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape."""
    if not allowed(request.headers.get("Authorization", "")):
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def exposition() -> Iterator[bytes]:
    """Yield the text of one scrape, for servers that are not Django."""
    yield generate_latest(registry())
