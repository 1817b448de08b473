"""SEARCH by reading."""
