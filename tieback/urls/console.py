"""What operators reach: the console, and nothing of the API."""

from importlib import import_module

from django.urls import path, re_path
from django.views.generic import RedirectView

from tieback.console import queue_metrics, site

for _app in ("tieback.brands", "minting", "exports", "resolver"):
    import_module(f"{_app}.admin")

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/"), name="home"),
    re_path(r"^metrics/queue/?$", queue_metrics, name="queue-metrics"),
    path("admin/", site.urls),
]

handler400 = "tieback.api.fallbacks.bad_request"
handler403 = "tieback.api.fallbacks.forbidden"
handler404 = "tieback.api.fallbacks.not_found"
handler500 = "tieback.api.fallbacks.server_error"
