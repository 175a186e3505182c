"""Tables of the resolver app, by aggregate."""

from resolver.models.activations import Activation
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

__all__ = (
    "Activation",
    "ScanAgent",
    "ScanDay",
    "ScanEvent",
    "ScanHour",
    "ScanPolicy",
    "ScanProgress",
    "ScanSignal",
    "VisitorKey",
)
