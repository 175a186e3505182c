"""Fault injection into the real processes, and an independent checker of what is left."""
