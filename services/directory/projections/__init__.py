"""The tables of the directory, computed from events."""
