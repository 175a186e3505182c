"""API of minting: requests, jobs, batches, units, events, figures, catalogue."""

from django.urls import include, path

from minting.api import (
    assets,
    batches,
    chain,
    chain_budget,
    chain_costs,
    cost_estimates,
    jobs,
    lifecycle,
    mint_requests,
    passport_changes,
    proofs,
    reconciliation,
    revocations,
    serial_lists,
    trees,
)

urlpatterns = [
    path("mint-requests/", mint_requests.MintRequestView.as_view(), name="mint-request"),
    path("mint-requests/preflight/", mint_requests.PreflightView.as_view(), name="preflight"),
    path("serial-lists/", serial_lists.SerialListListView.as_view(), name="serial-list-list"),
    path(
        "serial-lists/<uuid:serial_list_id>/",
        serial_lists.SerialListDetailView.as_view(),
        name="serial-list",
    ),
    path("mint-jobs/", jobs.MintJobListView.as_view(), name="mint-job-list"),
    path("mint-jobs/<uuid:job_id>/", jobs.MintJobDetailView.as_view(), name="mint-job"),
    path("mint-jobs/<uuid:job_id>/retry/", jobs.MintJobRetryView.as_view(), name="mint-job-retry"),
    path(
        "mint-jobs/<uuid:job_id>/cancel/", lifecycle.MintJobCancelView.as_view(), name="job-cancel"
    ),
    path("mint-jobs/<uuid:job_id>/pause/", lifecycle.MintJobPauseView.as_view(), name="job-pause"),
    path(
        "mint-jobs/<uuid:job_id>/resume/", lifecycle.MintJobResumeView.as_view(), name="job-resume"
    ),
    path("mint-queue/", lifecycle.MintQueueView.as_view(), name="mint-queue"),
    path("mint-queue/pause/", lifecycle.MintQueuePauseView.as_view(), name="mint-queue-pause"),
    path("mint-queue/resume/", lifecycle.MintQueueResumeView.as_view(), name="mint-queue-resume"),
    path("mint-kpis/", jobs.MintKpiView.as_view(), name="mint-kpis"),
    path("mint-batches/", batches.MintBatchListView.as_view(), name="mint-batch-list"),
    path("mint-batches/<uuid:batch_id>/", batches.MintBatchDetailView.as_view(), name="mint-batch"),
    path(
        "mint-batches/<uuid:batch_id>/physical-status/",
        lifecycle.MintBatchPhysicalStatusView.as_view(),
        name="physical-status",
    ),
    path(
        "mint-batches/<uuid:batch_id>/passport-changes/",
        passport_changes.MintBatchPassportChangesView.as_view(),
        name="passport-changes",
    ),
    path(
        "mint-batches/<uuid:batch_id>/proof/",
        proofs.MintBatchProofView.as_view(),
        name="batch-proof",
    ),
    path(
        "mint-batches/<uuid:batch_id>/submissions/",
        chain.MintBatchSubmissionsView.as_view(),
        name="batch-submissions",
    ),
    path("mints/<slug:mint_id>/", assets.MintStandingView.as_view(), name="mint-standing"),
    path("mints/retry/<slug:mint_id>/", assets.MintRetryView.as_view(), name="mint-retry"),
    path(
        "mint-units/<slug:token>/mint-on-chain/",
        assets.MintOnChainView.as_view(),
        name="mint-on-chain",
    ),
    path(
        "mint-units/<slug:token>/transfer/",
        assets.MintUnitTransferView.as_view(),
        name="unit-transfer",
    ),
    path("mint-units/<slug:token>/asset/", assets.MintUnitAssetView.as_view(), name="unit-asset"),
    path(
        "mints/transaction/<slug:signature>/",
        chain.ChainTransactionView.as_view(),
        name="chain-transaction",
    ),
    path("collections/", trees.TreeListView.as_view(), name="tree-list"),
    path("collections/<uuid:collection_id>/", trees.TreeView.as_view(), name="tree"),
    path(
        "mint-batches/<uuid:batch_id>/release/",
        lifecycle.MintBatchReleaseView.as_view(),
        name="batch-release",
    ),
    path("cost-estimates/", cost_estimates.CostEstimateView.as_view(), name="cost-estimate"),
    path("chain-budget/", chain_budget.ChainBudgetView.as_view(), name="chain-budget"),
    path("analytics/costs/", chain_costs.ChainCostsView.as_view(), name="chain-costs"),
    path("analytics/chains/", chain_costs.ChainFiguresView.as_view(), name="chain-figures"),
    path("mint-units/revoke/", revocations.RevokeView.as_view(), name="revoke-units"),
    path("mint-revocations/", revocations.RevocationListView.as_view(), name="revocation-list"),
    path(
        "mint-revocations/<uuid:revocation_id>/",
        revocations.RevocationDetailView.as_view(),
        name="revocation",
    ),
    path(
        "reconciliation/reports/",
        reconciliation.ReconciliationReportListView.as_view(),
        name="reconciliation-report-list",
    ),
    path(
        "reconciliation/reports/<uuid:run_id>/",
        reconciliation.ReconciliationReportView.as_view(),
        name="reconciliation-report",
    ),
    path(
        "reconciliation/run/",
        reconciliation.ReconciliationRunView.as_view(),
        name="reconciliation-run",
    ),
    path(
        "reconciliation/drifts/",
        reconciliation.ReconciliationDriftListView.as_view(),
        name="reconciliation-drift-list",
    ),
    path("mint-units/<slug:token>/proof/", proofs.MintUnitProofView.as_view(), name="unit-proof"),
    path("mint-units/", batches.MintUnitListView.as_view(), name="mint-unit-list"),
    path("mint-events/", batches.MintEventListView.as_view(), name="mint-event-list"),
    path("", include("minting.api.catalogue_urls")),
]
