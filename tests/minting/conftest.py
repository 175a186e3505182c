"""The resolver's connections, for tests that ask it about what was minted."""

from tests.resolver.conftest import connections

__all__ = ("connections",)
