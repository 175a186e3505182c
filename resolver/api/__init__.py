"""What brand staff and API clients do with the resolver: links, scans, tags, grants."""
