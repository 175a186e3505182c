"""Moments in queries."""

from datetime import UTC, date, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_DATE = len("2026-11-21")


@extend_schema_field(OpenApiTypes.STR)
class MomentField(serializers.DateTimeField):
    """A moment, or a date, which is its beginning in UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the moment in UTC."""
        if isinstance(value, str) and len(value) == _DATE:
            try:
                return datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
            except ValueError:
                self.fail("invalid", format="YYYY-MM-DD, or YYYY-MM-DDThh:mm:ssZ")
        return super().to_internal_value(value).astimezone(UTC)
