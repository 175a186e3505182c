#!/usr/bin/env python
"""Django's command line.

Commands that act on brands' data run as the operators' role, the rest as the schema's owner.
"""

import os
import sys

OPERATOR_COMMANDS = {
    "create_brand",
    "create_operator",
    "verify_audit",
}
# Django's own commands of this kind leave no trace in the audit trail.
UNAUDITED_COMMANDS = {"changepassword", "createsuperuser"}


def main() -> None:
    """Pick the plane from the command's name, then hand over to Django."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in UNAUDITED_COMMANDS:
        sys.exit(f"{command} is not audited: use create_operator, with --reset for a new password.")
    plane = "console" if command in OPERATOR_COMMANDS else "owner"
    os.environ.setdefault("TIEBACK_PLANE", plane)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
