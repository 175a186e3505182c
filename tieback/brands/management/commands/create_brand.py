"""``manage.py create_brand``: a brand with an owner and an API credential."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tieback.brands.onboarding import NewBrand, OnboardedBrand, onboard_brand
from tieback.errors import ValidationFailed

_OPTIONS = {
    "slug": "--slug",
    "name": "--name",
    "resolver_host": "--resolver-host",
    "owner_email": "--owner-email",
    "gs1_prefixes": "--gs1-prefix",
}


class Command(BaseCommand):
    """Create a brand; its secret and the owner's password are printed once and kept nowhere."""

    help = "Create a brand with an owner and an API credential, and print their secrets once."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the options."""
        parser.add_argument("--slug", required=True, help="short name, for instance nordhav")
        parser.add_argument("--name", required=True, help="the name people read")
        parser.add_argument(
            "--resolver-host", required=True, help="host printed in codes, without scheme"
        )
        parser.add_argument(
            "--owner-email", required=True, help="the owner; a known person keeps their password"
        )
        parser.add_argument(
            "--gs1-prefix",
            action="append",
            default=[],
            dest="gs1_prefixes",
            metavar="DIGITS",
            help="a GS1 company prefix of the brand, 6 to 12 digits; may be repeated",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the brand and print what was made."""
        new = NewBrand(
            slug=options["slug"],
            name=options["name"],
            resolver_host=options["resolver_host"],
            owner_email=options["owner_email"],
            gs1_prefixes=tuple(options["gs1_prefixes"]),
        )
        try:
            made = onboard_brand(new, actor="system:create_brand")
        except ValidationFailed as error:
            lines = [f"{_OPTIONS[fault.field]}: {fault.message}" for fault in error.fields]
            raise CommandError("\n".join(["No brand was created.", *lines])) from None
        body = _as_json(made)
        self.stdout.write(json.dumps(body) if options["json"] else _as_text(made))


def _as_json(made: OnboardedBrand) -> dict[str, Any]:
    return {
        "brand_id": str(made.brand.id),
        "slug": made.brand.slug,
        "owner": {
            "user_id": made.owner.pk,
            "email": made.owner.email,
            "password": made.password,
        },
        "credential": {
            "id": made.credential.id,
            "secret": made.credential.secret,
            "header": made.credential.header,
            "scopes": list(made.credential.scopes),
        },
    }


def _as_text(made: OnboardedBrand) -> str:
    password = made.password or "(unchanged: the person was known already)"
    rows = (
        ("brand", f"{made.brand.slug}  {made.brand.id}"),
        ("owner", f"{made.owner.email}  (user {made.owner.pk})"),
        ("password", password),
        ("credential", made.credential.id),
        ("secret", made.credential.secret),
        ("header", f"X-Api-Key: {made.credential.header}"),
        ("scopes", " ".join(made.credential.scopes)),
    )
    lines = [f"{name:<12}{value}" for name, value in rows]
    return "\n".join([*lines, "", "Secret and password are shown this once and kept nowhere."])
