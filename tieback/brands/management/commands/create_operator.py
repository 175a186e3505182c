"""``manage.py create_operator``: a person with every permission in the console."""

import os
from pathlib import Path
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from tieback.brands.audit import ActsForSystem, record
from tieback.brands.models import User
from tieback.brands.scoping import all_brands

ACTOR = "system:create_operator"


class Command(BaseCommand):
    """Make sure that an operator exists. Safe to run again."""

    help = "Create an operator of the console, or make a known person one; safe to run again."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the options. A password never travels on the command line."""
        parser.add_argument("--email", required=True, help="the operator's e-mail address")
        parser.add_argument(
            "--password-env",
            required=True,
            metavar="NAME",
            help="environment variable that holds the password (or NAME_FILE, its file)",
        )
        parser.add_argument(
            "--reset", action="store_true", help="set the password of a known operator anew"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, promote or leave alone, and say which."""
        email = _clean_email(options["email"])
        with transaction.atomic(), all_brands():
            user = User.objects.select_for_update().filter(email__iexact=email).first()
            if user is None:
                user = User(email=email)
                _set_password(user, options["password_env"])
                done = "created"
            elif options["reset"]:
                _set_password(user, options["password_env"])
                done = "password_reset"
            else:
                done = "unchanged" if _is_operator(user) else "promoted"
            if done != "unchanged":
                user.is_staff = user.is_superuser = user.is_active = True
                user.save()
                _tell(user, f"operator.{done}")
        self.stdout.write(f"operator {email}: {done.replace('_', ' ')}")


def _is_operator(user: User) -> bool:
    return user.is_staff and user.is_superuser and user.is_active


def _clean_email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"--email: {text!r} is not an e-mail address.") from None
    return email


def _set_password(user: User, variable: str) -> None:
    """Set the password from the environment; refuse one that is absent or weak."""
    password = _password(variable)
    if not password:
        raise CommandError(f"--password-env: neither {variable} nor {variable}_FILE is set.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        said = " ".join(error.messages)
        raise CommandError(f"--password-env: the password in {variable} is weak. {said}") from None
    user.set_password(password)


def _password(variable: str) -> str:
    file = os.environ.get(f"{variable}_FILE", "")
    if not file:
        return os.environ.get(variable, "")
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--password-env: cannot read the file of {variable}_FILE.") from error


def _tell(user: User, action: str) -> None:
    record(ActsForSystem(ACTOR), action, "user", user.pk)
