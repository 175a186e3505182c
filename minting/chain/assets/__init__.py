"""Assets: one compressed NFT for a unit, from the wish for it to its leaf in a tree."""
