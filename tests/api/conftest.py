"""The two furnished brands of the platform's tests, for these too."""

from tests.platform.conftest import two_brands

__all__ = ("two_brands",)
