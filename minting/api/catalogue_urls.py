"""Paths of the catalogue: products, production batches and their CSV imports."""

from django.urls import path

from minting.api import imports, production_batches, products

urlpatterns = [
    path("products/", products.ProductListView.as_view(), name="product-list"),
    path("products/import/", imports.ProductImportView.as_view(), name="product-import"),
    path("products/<uuid:product_id>/", products.ProductDetailView.as_view(), name="product"),
    path(
        "products/<uuid:product_id>/readiness/",
        products.ProductReadinessView.as_view(),
        name="product-readiness",
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
