"""URLs of the resolver's API."""

from django.urls import path

from resolver.api import (
    grants,
    links,
    scan_kpis,
    scan_policy,
    scan_signals,
    staff_scans,
    tags,
    timelines,
)

urlpatterns = [
    path("access-grants/", grants.AccessGrantListView.as_view(), name="access-grant-list"),
    path("access-grants/<uuid:grant_id>/", grants.AccessGrantView.as_view(), name="access-grant"),
    path(
        "access-grants/<uuid:grant_id>/revoke/",
        grants.AccessGrantRevokeView.as_view(),
        name="access-grant-revoke",
    ),
    path("links/", links.LinkListView.as_view(), name="link-list"),
    path("links/<uuid:link_id>/", links.LinkDetailView.as_view(), name="link"),
    path("tags/", tags.TagListView.as_view(), name="tag-list"),
    path("scan-kpis/", scan_kpis.ScanKpiView.as_view(), name="scan-kpis"),
    path("scan-signals/", scan_signals.ScanSignalListView.as_view(), name="scan-signal-list"),
    path("scan-policy/", scan_policy.ScanPolicyView.as_view(), name="scan-policy"),
    path(
        "mint-units/<slug:token>/timeline/",
        timelines.UnitTimelineView.as_view(),
        name="unit-timeline",
    ),
    path(
        "mint-units/<slug:token>/test-link/",
        staff_scans.TestLinkView.as_view(),
        name="unit-test-link",
    ),
]
