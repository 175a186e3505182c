"""What wallets and programs read of a passport: documents named by their hash, and pinned."""
