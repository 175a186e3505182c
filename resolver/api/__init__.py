"""What brand staff and API clients do with the resolver: links, figures, signals, timelines."""
