"""Tables of the resolver app, by aggregate."""

from resolver.models.activations import Activation
from resolver.models.grants import LONGEST_GRANT, USUAL_GRANT, AccessGrant
from resolver.models.links import Link
from resolver.models.scans import (
    ScanAgent,
    ScanDay,
    ScanEvent,
    ScanHour,
    ScanPolicy,
    ScanProgress,
    ScanSignal,
    VisitorKey,
)
from resolver.models.tags import Tag

__all__ = (
    "LONGEST_GRANT",
    "USUAL_GRANT",
    "AccessGrant",
    "Activation",
    "Link",
    "ScanAgent",
    "ScanDay",
    "ScanEvent",
    "ScanHour",
    "ScanPolicy",
    "ScanProgress",
    "ScanSignal",
    "Tag",
    "VisitorKey",
)
