"""What else could answer a scan, each written as one would who needs nothing but the redirect."""
