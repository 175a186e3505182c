"""From the catalogue and a mint request to minted units."""
