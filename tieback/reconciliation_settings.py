"""Settings of reconciliation: how often it is done, and for how long its reports are kept."""

from environs import validate

from tieback.variables import Variables

_DAY_MS = 86_400_000


def read_reconciliation(env: Variables) -> tuple[int, int]:
    """Return the milliseconds between two scheduled runs, and the days that reports are kept."""
    interval = env.int("RECONCILIATION_INTERVAL", 60_000, validate=validate.Range(1_000, _DAY_MS))
    days = env.int("RECONCILIATION_REPORT_DAYS", 90, validate=validate.Range(1, 3650))
    return interval or 60_000, days or 90
