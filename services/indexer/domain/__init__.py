"""What the indexer decides and computes, as pure functions and values."""
