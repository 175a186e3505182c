"""The resolver in the console."""

from resolver.admin import links, scans

__all__ = ("links", "scans")
