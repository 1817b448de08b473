"""What the indexer does: it brings accounts up to date, and it answers."""
