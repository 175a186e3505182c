"""Changes of leaves that exist: other metadata, another owner."""
