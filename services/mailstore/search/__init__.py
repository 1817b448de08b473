"""SEARCH by reading messages, without an index."""
