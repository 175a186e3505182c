"""What writing to chains costs: told before, told after, and capped."""
