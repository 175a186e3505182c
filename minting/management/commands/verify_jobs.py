"""``manage.py verify_jobs``: the checker's verdict on jobs, one brand, or everything."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chaos.checker import Verdict
from minting.verification import verify_minted
from tieback.brands.models import Brand
from tieback.brands.scoping import all_brands
from tieback.errors import NotFound

PLANE = "console"


class Command(BaseCommand):
    """Check what was minted, and fail where something is broken. Only reads."""

    help = "Check units, cycles, counters, events and stored packs against one another."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the options."""
        parser.add_argument(
            "jobs", nargs="*", type=UUID, metavar="JOB", help="job ids; all if none"
        )
        parser.add_argument("--brand", metavar="SLUG", help="only the jobs of this brand")
        parser.add_argument(
            "--no-files", action="store_true", help="do not read stored packs back and compare them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check and print; a broken invariant is an error of the command."""
        if settings.TIEBACK_PLANE != PLANE:
            raise CommandError(
                f"Run it with TIEBACK_PLANE={PLANE}: only the operators' role sees every brand."
            )
        if options["jobs"] and options["brand"]:
            raise CommandError("Name jobs or a brand, not both.")
        scopes: list[dict[str, UUID]] = [{"job_id": job} for job in options["jobs"]]
        if options["brand"]:
            scopes = [{"brand_id": _brand(options["brand"])}]
        broken = sum(self._verify(scope, options) for scope in scopes or [{}])
        if broken:
            raise CommandError(f"{broken} broken")

    def _verify(self, scope: dict[str, UUID], options: dict[str, Any]) -> int:
        for job in scope.values():
            self.stdout.write(str(job))
        try:
            found = verify_minted(
                **scope,  # type: ignore[arg-type]
                reads_files=not options["no_files"],
                tell=self._tell,
            )
        except NotFound as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"checked in {found.seconds:.1f} s")
        return len(found.broken)

    def _tell(self, verdict: Verdict) -> None:
        self.stdout.write(f"{verdict.invariant:4} {verdict.status.value:15} {verdict.says}")
        for problem in verdict.problems:
            self.stdout.write(f"     {problem}")


def _brand(slug: str) -> UUID:
    with all_brands():
        found = Brand.objects.filter(slug=slug).values_list("id", flat=True).first()
    if found is None:
        raise CommandError(f"There is no brand {slug!r}.")
    return found
