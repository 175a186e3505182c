"""The rules by which scans do not look right. Pure."""

from django.db.models import TextChoices


class Rule(TextChoices):
    """Why a signal was given."""

    NEVER_ISSUED = "never_issued", "A code that was never issued"
    REVOKED = "revoked", "A revoked unit is scanned"
    BEFORE_SHIPPING = "before_shipping", "A unit is scanned before its label was applied"
    FAR_PLACES = "far_places", "One unit in two far places within hours"
    BURST = "burst", "One network scans many units of a batch within an hour"
