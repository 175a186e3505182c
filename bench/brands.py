"""Makes brands for a measurement, in a process of its own as the console's role.

Prints one line of JSON for each: the brand's id and the header of its credential.
"""

import json
import os
import sys

import django


def main(count: int) -> None:
    """Make ``count`` brands, all with one owner."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tieback.settings")
    django.setup()
    from tieback.brands.onboarding import NewBrand, onboard_brand

    for number in range(count):
        new = NewBrand(
            slug=f"small-{number}",
            name=f"Small {number}",
            resolver_host=f"small-{number}.example",
            owner_email="owner@small.example",
        )
        made = onboard_brand(new, actor="system:bench")
        line = {"brand_id": str(made.brand.id), "header": made.credential.header}
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
