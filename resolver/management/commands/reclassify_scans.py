"""``manage.py reclassify_scans``: judge the agents of stored scans by the rules of today."""

from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from resolver.reclassification import reclassify
from tieback.brands.known import check_known

PLANE = "worker"


class Command(BaseCommand):
    """Give stored scans the class their agents have now, and have them counted anew."""

    help = "Judge the agents of stored scans again, after the rules for agents have changed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the options."""
        parser.add_argument(
            "--since", type=date.fromisoformat, required=True, metavar="DAY", help="YYYY-MM-DD, UTC"
        )
        parser.add_argument("--brand", type=UUID, metavar="ID", help="only this brand's scans")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, only say what")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change and print how many scans went from which class to which."""
        if settings.TIEBACK_PLANE != PLANE:
            raise CommandError(f"Run it with TIEBACK_PLANE={PLANE}: only a worker counts scans.")
        brand = options["brand"]
        if brand:
            check_known(brand)
        changes = reclassify(options["since"], brand=brand, dry_run=options["dry_run"])
        for (was, becomes), count in sorted(changes.items()):
            self.stdout.write(f"{count:10,} {was.name.lower()} -> {becomes.name.lower()}")
        verb = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"{changes.total():10,} {verb}")
