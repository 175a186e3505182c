"""The minting API."""
