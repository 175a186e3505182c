"""App of what every API view shares; its one table keeps answers for repeated requests."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The API's base."""

    name = "tieback.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
