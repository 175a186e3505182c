"""The rules by which scans do not look right. Pure.

A signal is a question, not a verdict: people travel, labels are late, a shop scans its shelf. The
thresholds keep what happens every day out.
"""

from datetime import timedelta

from django.db.models import TextChoices


class Rule(TextChoices):
    """Why a signal was given."""

    NEVER_ISSUED = "never_issued", "A code that was never issued"
    REVOKED = "revoked", "A revoked unit is scanned"
    BEFORE_SHIPPING = "before_shipping", "A unit is scanned before its label was applied"
    FAR_PLACES = "far_places", "One unit in two far places within hours"
    BURST = "burst", "One network scans many units of a batch within an hour"


#: Paths that no item has, of each brand and day: the most scanned ones. Whoever tries codes out
#: makes up as many as they like, and what is printed on forged goods is scanned again and again.
PATHS_A_DAY = 200
#: Places are known to a degree, 111 km at most, and looked up by network, which is often a whole
#: country's: what is nearer than this may be the same place.
FAR_KM = 1_000
#: A plane takes about as long for a way of this length, door to door.
FAR_WITHIN = timedelta(hours=3)
#: The mean radius of the earth, in kilometres.
KM_FOR_A_RADIAN = 6_371
#: More units of one batch than a person holds within an hour of the clock, and more than the
#: customers of one batch behind one network look at by chance.
BURST_UNITS = 50
