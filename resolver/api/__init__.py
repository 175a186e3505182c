"""API of scans: figures, signals, a unit's timeline, and what is kept."""
