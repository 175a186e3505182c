"""App of the catalogue and of everything from a mint request to minted units."""

from django.apps import AppConfig


class MintingConfig(AppConfig):
    """Minting: catalogue, gateway, execution, reads."""

    name = "minting"
    default_auto_field = "django.db.models.BigAutoField"
