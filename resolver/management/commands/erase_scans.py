"""``manage.py erase_scans``: delete everything that is stored of a brand's scans."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from resolver.erasure import erase_scans
from tieback.brands.known import check_known

PLANE = "worker"


class Command(BaseCommand):
    """Delete a brand's events and signals; what was counted of them stays."""

    help = "Delete everything stored of a brand's scans, as a request under data protection asks."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the options."""
        parser.add_argument("--brand", type=UUID, required=True, metavar="ID")
        parser.add_argument("--reason", required=True, help="told in the brand's audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how much there was."""
        if settings.TIEBACK_PLANE != PLANE:
            raise CommandError(f"Run it with TIEBACK_PLANE={PLANE}: only a worker deletes scans.")
        check_known(options["brand"])
        erased = erase_scans(options["brand"], reason=options["reason"])
        self.stdout.write(f"{erased.events:,} events and {erased.signals:,} signals deleted")
