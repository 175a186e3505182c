"""What is written on a blockchain, and how it is found there again."""
