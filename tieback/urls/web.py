"""What brand staff and API clients reach."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from tieback.api import docs, pages, sessions

urlpatterns = [
    path("", pages.HomeView.as_view(), name="home"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", docs.DocsView.as_view(), name="docs"),
    path("api/v1/auth/token/", sessions.TokenView.as_view(), name="token"),
    path("api/v1/auth/token/refresh/", sessions.TokenRefreshView.as_view(), name="token-refresh"),
    path("api/v1/auth/session/", sessions.SessionView.as_view(), name="session"),
    path("api/v1/me/", sessions.MeView.as_view(), name="me"),
    path("api/v1/", include("tieback.api.urls")),
    path("api/v1/", include("minting.api.urls")),
    path("api/v1/", include("exports.api.urls")),
    path("api/v1/", include("resolver.api.urls")),
]

handler400 = "tieback.api.fallbacks.bad_request"
handler403 = "tieback.api.fallbacks.forbidden"
handler404 = "tieback.api.fallbacks.not_found"
handler500 = "tieback.api.fallbacks.server_error"
