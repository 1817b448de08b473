"""The contracts of the indexer."""
