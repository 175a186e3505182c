"""Which metrics the code has, by the names Prometheus knows them under."""

import prometheus_client

from tieback import metrics
from tieback.figures import FiguresCollector, QueueFigures


def gauges() -> set[str]:
    """Return what the console reads from the rows."""
    nothing = dict.fromkeys(QueueFigures.__dataclass_fields__, 0)
    empty: dict[str, dict[str, int]] = {
        name: {}
        for name in (
            "jobs",
            "waiting",
            "builds",
            "proofs",
            "submissions",
            "documents",
            "trees",
            "drifts",
            "assets",
            "endpoints_open",
        )
    }
    figures = QueueFigures(**{**nothing, **empty})  # type: ignore[arg-type]
    told = {metric.name for metric in FiguresCollector(figures).collect()}
    kept = [one for one in vars(metrics).values() if isinstance(one, prometheus_client.Gauge)]
    return told | {one._name for one in kept}


def counters() -> set[str]:
    return {
        f"{value._name}_total"
        for value in vars(metrics).values()
        if isinstance(value, prometheus_client.Counter)
    }


def histograms() -> set[str]:
    return {
        value._name
        for value in vars(metrics).values()
        if isinstance(value, prometheus_client.Histogram)
    }


def series() -> set[str]:
    """Return every name a rule may ask for, what Prometheus adds included."""
    parts = {f"{name}_{part}" for name in histograms() for part in ("bucket", "sum", "count")}
    return gauges() | counters() | parts | {"up"}
