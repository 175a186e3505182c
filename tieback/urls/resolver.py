"""What anyone who scans a code reaches."""

from django.urls import path

from resolver.description import DescriptionView
from resolver.passport import GroupView, LogoView, PassportView

urlpatterns = [
    path(".well-known/gs1resolver", DescriptionView.as_view(), name="gs1resolver"),
    path("p/<str:token>", PassportView.as_view(), name="passport"),
    path("p/logo/<slug:sha256>.png", LogoView.as_view(), name="logo"),
    path("p/<path:code>", GroupView.as_view(), name="group_passport"),
]

handler400 = "tieback.api.fallbacks.bad_request"
handler403 = "tieback.api.fallbacks.forbidden"
handler404 = "tieback.api.fallbacks.not_found"
handler500 = "tieback.api.fallbacks.server_error"
