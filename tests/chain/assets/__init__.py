"""Assets: compressed NFTs of units."""
