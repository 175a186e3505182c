"""Paths of the catalogue: products, production batches and their CSV imports."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
