"""``manage.py verify_audit``: is the sealed audit trail as it was sealed?"""

import json
import re
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tieback.brands.models import Brand
from tieback.brands.scoping import all_brands
from tieback.brands.verification import Finding, Report, verify_audit

_HASH = re.compile(r"[0-9a-f]{64}")
_WORDS = {
    "altered": "entry {entry} was altered after seal {seal}",
    "removed": "entry {entry} of seal {seal} was removed",
    "inserted": "entry {entry} was inserted past the seals",
    "seal_altered": "seal {seal} was altered",
    "seal_removed": "a seal before seal {seal} was removed",
    "chain_broken": "seal {seal} does not follow the seal before it",
    "noted_seal_missing": "the seal {hash} is missing: the chain was cut off or written anew",
}


class Command(BaseCommand):
    """Verify the audit trail; exit code 1 says that something is not as it was sealed."""

    help = "Recompute the sealed audit trail and name what was altered, removed or inserted."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the options."""
        parser.add_argument("--brand", metavar="SLUG", help="the chain of this brand alone")
        parser.add_argument(
            "--contains",
            action="append",
            default=[],
            metavar="HASH",
            help="hash of a seal noted earlier, which must still be there; may be repeated",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and print."""
        bad = [text for text in options["contains"] if not _HASH.fullmatch(text)]
        if bad:
            raise CommandError(f"--contains: not a seal's hash (64 hex digits): {', '.join(bad)}")
        report = verify_audit(contains=options["contains"], **_chain_of(options["brand"]))
        body = report.as_dict()
        self.stdout.write(json.dumps(body) if options["json"] else _as_text(report))
        if not report.ok:
            sys.exit(1)


def _chain_of(slug: str | None) -> dict[str, Any]:
    if slug is None:
        return {}
    with all_brands():
        brand = Brand.objects.filter(slug=slug).first()
    if brand is None:
        raise CommandError(f"--brand: there is no brand {slug!r}.")
    return {"brand_id": brand.pk, "everything": False}


def _as_text(report: Report) -> str:
    lines = [
        f"{chain.slug or '(no brand)':<24}{chain.seals:>8} seals {chain.entries:>10} entries"
        f"  {chain.head}"
        for chain in report.chains
    ]
    lines += [_in_words(finding) for finding in report.findings]
    if report.findings_omitted:
        lines.append(f"and {report.findings_omitted} findings more")
    lines.append(f"{report.waiting} entries wait for their seal")
    lines.append("The trail is as it was sealed." if report.ok else "The trail was tampered with.")
    return "\n".join(lines)


def _in_words(finding: Finding) -> str:
    said = _WORDS[finding.kind].format(entry=finding.entry, seal=finding.seal, hash=finding.hash)
    return f"brand {finding.brand or '(none)'}: {said}"
