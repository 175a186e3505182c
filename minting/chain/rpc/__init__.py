"""Speaking to several endpoints of a chain: which of them to ask, and what their answers mean."""
