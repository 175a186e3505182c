"""``manage.py refresh_readiness``: answers anew what a new passport schema has left behind."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from minting.catalogue.assessments import refresh
from tieback.brands.scoping import all_brands
from tieback.planes import CONSOLE


class Command(BaseCommand):
    """Run after a release that changes a passport schema; run twice, it finds nothing to do."""

    help = "Assess the readiness of products whose kept answer no longer holds."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the products of all brands, a thousand in a transaction."""
        if settings.PLANE != CONSOLE:
            raise CommandError("Run this with TIEBACK_PLANE=console: it alone sees every brand.")
        renewed, last = 0, UUID(int=0)
        with all_brands():
            while True:
                with transaction.atomic():
                    step, last = refresh(after=last)
                if not step:
                    break
                renewed += step
        self.stdout.write(f"{renewed} products assessed anew")
