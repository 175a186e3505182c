"""API of scans."""

from django.urls import path

from resolver.api import scan_kpis, scan_policy, scan_signals, timelines

urlpatterns = [
    path("scan-kpis/", scan_kpis.ScanKpiView.as_view(), name="scan-kpis"),
    path("scan-signals/", scan_signals.ScanSignalListView.as_view(), name="scan-signal-list"),
    path("scan-policy/", scan_policy.ScanPolicyView.as_view(), name="scan-policy"),
    path(
        "mint-units/<str:token>/timeline/",
        timelines.UnitTimelineView.as_view(),
        name="unit-timeline",
    ),
]
