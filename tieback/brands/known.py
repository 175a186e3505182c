"""Brands that an operator names to a command."""

from uuid import UUID

from django.core.management.base import CommandError

from tieback.brands.models import Brand
from tieback.brands.scoping import brand_scope


def check_known(brand_id: UUID) -> None:
    """Raise ``CommandError`` where there is no such brand."""
    with brand_scope(brand_id):
        if not Brand.objects.filter(id=brand_id).exists():
            raise CommandError(f"There is no brand {brand_id}.")
