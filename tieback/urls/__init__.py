"""URLconfs, one a plane."""
