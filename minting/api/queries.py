"""Query parameters that every list of the minting API takes."""

from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Q
from rest_framework import serializers

from tieback.api.fields import QuerySerializer
from tieback.api.pagination import DEFAULT_PAGE, LARGEST_PAGE


@dataclass(frozen=True)
class Listing:
    """Validated query parameters of a list."""

    values: dict[str, Any]

    @property
    def cursor(self) -> str | None:
        """Where to go on."""
        return cast("str | None", self.values.get("cursor"))

    @property
    def size(self) -> int:
        """Rows a page."""
        return int(self.values["page_size"])

    def conditions(self, **columns: str) -> Q:
        """Return equality on each given parameter's column, and the created range."""
        found = Q()
        for parameter, column in columns.items():
            if parameter in self.values:
                found &= Q(**{column: self.values[parameter]})
        if "created_after" in self.values:
            found &= Q(created_at__gte=self.values["created_after"])
        if "created_before" in self.values:
            found &= Q(created_at__lt=self.values["created_before"])
        return found


class ListQuery(QuerySerializer):
    """Page and created range."""

    cursor = serializers.CharField(required=False, max_length=500)
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST_PAGE, default=DEFAULT_PAGE
    )
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)

    @classmethod
    def read(cls, params: Any) -> Listing:  # type: ignore[override]
        """Validate a request's query parameters."""
        return Listing(super().read(params))
