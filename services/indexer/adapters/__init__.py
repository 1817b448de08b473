"""Where the indexer keeps its index and its own notes."""
