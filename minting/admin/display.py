"""How states, progress and lengths of time look in the console: as text, with colour beside it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from tieback.figures import duration

NOTHING = "-"

# The tone of each state of jobs, batches, packs and units; a state not named here is plain.
_TONES = {
    "queued": "waits",
    "pending": "waits",
    "reserved": "runs",
    "processing": "runs",
    "generating": "runs",
    "completed": "good",
    "minted": "good",
    "signed": "good",
    "pinned": "good",
    "finalized": "good",
    "sent": "runs",
    "creating": "runs",
    "active": "good",
    "left": "waits",
    "quarantined": "bad",
    "unauthorised": "bad",
    "repaired": "good",
    "failed": "bad",
    "revoked": "bad",
    "cancelled": "bad",
}


def label(row: Any) -> SafeString:
    """Return the row's status as a coloured word."""
    tone = _TONES.get(str(row.get_status_display()).lower(), "plain")
    return coloured(row.get_status_display(), tone)


def coloured(word: str, tone: str) -> SafeString:
    """Return a word in the colour of a tone."""
    return format_html('<span class="label label-{}">{}</span>', tone, word)


def progress(done: int, total: int) -> SafeString:
    """Return a bar with its figures in words."""
    percent = 100 * done // total if total else 0
    return format_html(
        '<span class="progress"><progress max="{}" value="{}" aria-label="{} %"></progress>'
        " {} of {}</span>",
        *(total, done, percent, f"{done:,}", f"{total:,}"),
    )


def per_second(count: int, seconds: float) -> str:
    """Return a rate; slow ones with a decimal, so that they do not look like a standstill."""
    rate = count / max(seconds, 0.001)
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"  # noqa: PLR2004


def short_id(value: UUID) -> str:
    """Return the first block of an id; the search finds a row by it."""
    return str(value)[:8]


def short(text: str, length: int = 60) -> str:
    """Return the beginning of a text in one line."""
    return Truncator(" ".join(text.split())).chars(length) or NOTHING


def age(since: datetime | None, until: datetime | None = None) -> str:
    """Return how long it is since a moment, or how long it was from it to another."""
    if since is None:
        return NOTHING
    return duration(((until or timezone.now()) - since).total_seconds())
