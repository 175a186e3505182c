"""Certificates: a batch's root as the state of an account that nobody can change."""
