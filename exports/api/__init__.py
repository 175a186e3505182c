"""The HTTP API of exports."""
