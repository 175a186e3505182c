"""Comparing what the database says with what the chain, and the place of documents, say."""
