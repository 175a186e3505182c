"""Spans of time in queries."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from tieback.api.fields import QuerySerializer
from tieback.api.moments import MomentField
from tieback.errors import FieldError, ValidationFailed

#: What is shown where nothing is said, and at most.
USUAL_SPAN, LONGEST_SPAN = timedelta(days=30), timedelta(days=400)


class SpanQuery(QuerySerializer):
    """From when to when figures are asked for."""

    to = MomentField(required=False, help_text="Before this date or moment; now unless said.")

    def get_fields(self) -> dict[str, Any]:
        """Add the parameter whose name is a word of Python's."""
        words = "From this date or moment on; 30 days before `to` unless said."
        first = MomentField(required=False, help_text=words)
        return {"from": first, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill the span in, and refuse one that is empty, too long or outside the calendar."""
        try:
            end = self.ending(attrs.get("to") or timezone.now())
            start = self.beginning(attrs["from"]) if "from" in attrs else end - USUAL_SPAN
        except OverflowError:
            # Only `to` is reckoned with: `from` stays the moment it is, or that of its hour.
            overflow = FieldError("to", "OVERFLOW", "The span leaves the calendar.")
            raise ValidationFailed(fields=(overflow,)) from None
        fault = _fault(start, end)
        if fault:
            raise ValidationFailed(fields=(fault,))
        return {**attrs, "from": start, "to": end}

    def beginning(self, moment: datetime) -> datetime:
        """Return where the span begins that is asked for from ``moment`` on."""
        return moment

    def ending(self, moment: datetime) -> datetime:
        """Return where the span ends that is asked for up to ``moment``."""
        return moment


def _fault(start: datetime, end: datetime) -> FieldError | None:
    if start >= end:
        return FieldError("from", "INVALID", "Must be before `to`, which is now unless said.")
    if end - start > LONGEST_SPAN:
        return FieldError("from", "OUT_OF_RANGE", f"Ask for {LONGEST_SPAN.days} days at most.")
    return None
