"""Performance of tieback, measured beside its limit in the same run."""
