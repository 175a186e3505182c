"""The planes of tieback and the PostgreSQL role each one logs in as.

A process belongs to exactly one plane, named by ``TIEBACK_PLANE``; the plane decides which rows
the database shows it. Pure data: imported by the settings, the embedded stack and the tests.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plane:
    """One kind of process: its login role and the variable that holds the role's password."""

    name: str
    role: str
    password_variable: str


WEB = Plane("web", "tieback_app", "TIEBACK_APP_PASSWORD")
CONSOLE = Plane("console", "tieback_ops", "TIEBACK_OPS_PASSWORD")
WORKER = Plane("worker", "tieback_worker", "TIEBACK_WORKER_PASSWORD")
RESOLVER = Plane("resolver", "tieback_resolver", "TIEBACK_RESOLVER_PASSWORD")
OWNER = Plane("owner", "tieback_owner", "TIEBACK_OWNER_PASSWORD")

PLANES: dict[str, Plane] = {plane.name: plane for plane in (WEB, CONSOLE, WORKER, RESOLVER, OWNER)}
