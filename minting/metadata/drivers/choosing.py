"""Which place the settings choose, and the one that an earlier document was pinned at."""

from collections.abc import Callable, Mapping

from django.conf import settings

from minting.metadata.drivers.embedded import EmbeddedStore
from minting.metadata.drivers.interface import PinningDriver
from minting.metadata.drivers.kubo import Kubo
from minting.metadata.drivers.pinata import Pinata


def chosen_driver() -> PinningDriver:
    """Return the place that documents are pinned at from now on."""
    return driver_named(settings.IPFS_PROVIDER)


def driver_named(name: str) -> PinningDriver:
    """Return a place by its name, with the settings of now. Raises ``KeyError``."""
    return _DRIVERS[name]()


def _kubo() -> PinningDriver:
    return Kubo(settings.IPFS_API_URL)


def _pinata() -> PinningDriver:
    return Pinata(
        jwt=settings.PINATA_JWT,
        api_key=settings.PINATA_API_KEY,
        secret_key=settings.PINATA_SECRET_KEY,
        api=settings.PINATA_API_URL,
        uploads=settings.PINATA_UPLOAD_URL,
        gateway=settings.IPFS_GATEWAY_URL,
    )


_DRIVERS: Mapping[str, Callable[[], PinningDriver]] = {
    EmbeddedStore.name: EmbeddedStore,
    Kubo.name: _kubo,
    Pinata.name: _pinata,
}
