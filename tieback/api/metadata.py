"""What OPTIONS tells of an endpoint: the methods. Everything else stands in ``/api/schema/``."""

from typing import Any

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request


class AllowedMethods(BaseMetadata):
    """The methods an endpoint offers."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:
        """Return the methods."""
        return {"methods": view.allowed_methods}
