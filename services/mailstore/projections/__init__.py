"""The tables of the mailstore, computed from events."""
