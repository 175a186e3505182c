"""Brands, who may act for them, and how they are kept apart."""
