"""Verifying what was minted: the independent checker, asked about one job, a brand or everything.

It looks through a session of its own, in one read-only snapshot, while work goes on; stored files
are read back and compared row by row. Nothing is written and nothing is locked.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.conf import settings
from django.utils.module_loading import import_string

from chaos.checker import Evidence, NothingSeen, Status, Verdict, verify
from tieback.errors import NotFound, TiebackError
from tieback.startup import open_session

# Exports come after minting, which may not import them.
READ_OBJECT = "exports.storage.read"


class VerificationTooLong(TiebackError):
    """The verification took too long and was given up. Run manage.py verify_jobs, which waits."""

    code = "VERIFICATION_TOO_LONG"
    status = 503


@dataclass(frozen=True)
class Verification:
    """The verdict on each invariant, and how long it took."""

    verdicts: tuple[Verdict, ...]
    seconds: float

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """The verdicts that say something is wrong."""
        return tuple(verdict for verdict in self.verdicts if verdict.status is Status.BROKEN)


def verify_minted(
    *,
    job_id: UUID | None = None,
    brand_id: UUID | None = None,
    reads_files: bool = True,
    statement_seconds: float = 0,
    tell: Callable[[Verdict], None] = lambda verdict: None,
) -> Verification:
    """Check one job, one brand's jobs or all; ``tell`` hears each verdict as it is reached.

    ``statement_seconds`` bounds each query, 0 none. Raises ``NotFound`` where this plane's role
    sees no such job, and ``VerificationTooLong``.
    """
    began = time.monotonic()
    with closing(open_session()) as database:
        database.execute(
            "select set_config('statement_timeout', %s, false)", [f"{statement_seconds}s"]
        )
        evidence = Evidence(
            database,
            job=str(job_id) if job_id else None,
            brand=str(brand_id) if brand_id else None,
            read_object=import_string(READ_OBJECT) if reads_files else None,
            allowed_errors=int(settings.MAX_RETRIES),
        )
        try:
            verdicts = verify(evidence, tell=tell)
        except NothingSeen as error:
            raise NotFound(str(error)) from error
        except psycopg.errors.QueryCanceled as error:
            raise VerificationTooLong from error
    return Verification(tuple(verdicts), time.monotonic() - began)
