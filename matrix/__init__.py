"""The whole suite once on each Python, behind a pooler, and on the oldest PostgreSQL."""
