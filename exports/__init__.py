"""Everything that leaves the system as a file."""
