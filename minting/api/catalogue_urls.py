"""Paths of the catalogue: products and production batches, history, readiness, CSV imports."""

from django.urls import path

from minting.api import (
    imports,
    metadata,
    passport_changes,
    product_history,
    production_batches,
    products,
    readiness_report,
)

urlpatterns = [
    path(
        "passport-fields/",
        passport_changes.PassportFieldsView.as_view(),
        name="passport-fields",
    ),
    path("products/", products.ProductListView.as_view(), name="product-list"),
    path("products/import/", imports.ProductImportView.as_view(), name="product-import"),
    path(
        "products/readiness-report/",
        readiness_report.ReadinessReportView.as_view(),
        name="readiness-report",
    ),
    path(
        "products/readiness-report/products/",
        readiness_report.LackingProductListView.as_view(),
        name="readiness-report-products",
    ),
    path(
        "products/readiness-report/csv/",
        readiness_report.LackingProductFileView.as_view(),
        name="readiness-report-csv",
    ),
    path("products/<uuid:product_id>/", products.ProductDetailView.as_view(), name="product"),
    path(
        "products/<uuid:product_id>/readiness/",
        products.ProductReadinessView.as_view(),
        name="product-readiness",
    ),
    path(
        "products/<uuid:product_id>/versions/",
        product_history.ProductVersionListView.as_view(),
        name="product-versions",
    ),
    path(
        "products/<uuid:product_id>/versions/diff/",
        product_history.ProductVersionDifferencesView.as_view(),
        name="product-version-diff",
    ),
    path(
        "products/<uuid:product_id>/versions/<int:number>/",
        product_history.ProductVersionView.as_view(),
        name="product-version",
    ),
    path(
        "products/<uuid:product_id>/identifiers/",
        product_history.ProductIdentifierListView.as_view(),
        name="product-identifiers",
    ),
    path(
        "products/<uuid:product_id>/metadata/",
        metadata.ProductMetadataView.as_view(),
        name="product-metadata",
    ),
    path(
        "production-batches/",
        production_batches.ProductionBatchListView.as_view(),
        name="production-batch-list",
    ),
    path(
        "production-batches/import/",
        imports.ProductionBatchImportView.as_view(),
        name="production-batch-import",
    ),
    path(
        "production-batches/<uuid:production_batch_id>/",
        production_batches.ProductionBatchDetailView.as_view(),
        name="production-batch",
    ),
]
