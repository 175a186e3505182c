"""A deploy under load: old and new processes side by side while the schema moves forward."""
