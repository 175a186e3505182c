"""What anyone who scans a code reaches."""

from django.urls import path

from resolver.description import DescriptionView
from resolver.metadata import DocumentView, ShortView
from resolver.passport import GroupView, LogoView, PassportView
from resolver.proofs import KeysView, ProofDocumentView, ProofPageView

urlpatterns = [
    path(".well-known/gs1resolver", DescriptionView.as_view(), name="gs1resolver"),
    path(".well-known/tieback-keys.json", KeysView.as_view(), name="proof_keys"),
    path("ipfs/<str:cid>", DocumentView.as_view(), name="metadata"),
    path("m/<str:short_id>", ShortView.as_view(), name="metadata_short"),
    path("p/<str:token>/proof", ProofPageView.as_view(), name="proof"),
    path("p/<str:token>/proof.json", ProofDocumentView.as_view(), name="proof_document"),
    path("p/<str:token>", PassportView.as_view(), name="passport"),
    path("p/logo/<slug:sha256>.png", LogoView.as_view(), name="logo"),
    path("p/<path:code>", GroupView.as_view(), name="group_passport"),
]

handler400 = "tieback.api.fallbacks.bad_request"
handler403 = "tieback.api.fallbacks.forbidden"
handler404 = "tieback.api.fallbacks.no_such_address"
handler500 = "tieback.api.fallbacks.server_error"
