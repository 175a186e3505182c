"""``manage.py test_link_public_key``: what the resolver needs to check links for test scans."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from resolver.staff_scans import public_key_of


class Command(BaseCommand):
    """Print the public key of ``TIEBACK_TEST_LINK_KEY``."""

    help = "Print the public key of TIEBACK_TEST_LINK_KEY, for TIEBACK_TEST_LINK_PUBLIC_KEYS."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it, and nothing of the private one."""
        if not settings.TIEBACK_TEST_LINK_KEY:
            raise CommandError("TIEBACK_TEST_LINK_KEY is not set.")
        self.stdout.write(public_key_of(settings.TIEBACK_TEST_LINK_KEY))
