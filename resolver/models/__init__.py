"""Tables of the resolver app, by aggregate."""

from resolver.models.activations import Activation
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
