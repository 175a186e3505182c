"""API of minting: requests, jobs, batches, units, events, figures, catalogue."""

from django.urls import include, path

from minting.api import batches, jobs, mint_requests

urlpatterns = [
    path("mint-requests/", mint_requests.MintRequestView.as_view(), name="mint-request"),
    path("mint-requests/preflight/", mint_requests.PreflightView.as_view(), name="preflight"),
    path("mint-jobs/", jobs.MintJobListView.as_view(), name="mint-job-list"),
    path("mint-jobs/<uuid:job_id>/", jobs.MintJobDetailView.as_view(), name="mint-job"),
    path("mint-jobs/<uuid:job_id>/retry/", jobs.MintJobRetryView.as_view(), name="mint-job-retry"),
    path("mint-kpis/", jobs.MintKpiView.as_view(), name="mint-kpis"),
    path("mint-batches/", batches.MintBatchListView.as_view(), name="mint-batch-list"),
    path("mint-batches/<uuid:batch_id>/", batches.MintBatchDetailView.as_view(), name="mint-batch"),
    path("mint-units/", batches.MintUnitListView.as_view(), name="mint-unit-list"),
    path("mint-events/", batches.MintEventListView.as_view(), name="mint-event-list"),
    path("", include("minting.api.catalogue_urls")),
]
