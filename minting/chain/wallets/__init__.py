"""Keys that sign for the chain: where they are kept, and to which network each is bound."""
