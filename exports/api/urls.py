"""API of packs."""

from django.urls import path

from exports.api import packs

urlpatterns = [
    path("mint-batches/<uuid:batch_id>/packs/", packs.PackListView.as_view(), name="pack-list"),
    path(
        "mint-batches/<uuid:batch_id>/packs/manifest/",
        packs.ManifestDownloadView.as_view(),
        name="pack-manifest",
    ),
    path("packs/<uuid:pack_id>/download/", packs.PackDownloadView.as_view(), name="pack-download"),
]
