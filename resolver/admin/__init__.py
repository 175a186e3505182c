"""The resolver in the console."""

from resolver.admin import grants, links, scans

__all__ = ("grants", "links", "scans")
