"""API of the brand itself: its credentials."""

from django.urls import path

from tieback.api import credentials

urlpatterns = [
    path("api-credentials/", credentials.CredentialListView.as_view(), name="credential-list"),
    path(
        "api-credentials/<slug:credential_id>/revoke/",
        credentials.CredentialRevokeView.as_view(),
        name="credential-revoke",
    ),
]
