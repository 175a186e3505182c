"""Proofs that a unit is one of a batch: a Merkle tree over its units, signed by the brand."""
