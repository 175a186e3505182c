"""Trees of compressed NFTs: which shapes there are, making, choosing and watching them."""
