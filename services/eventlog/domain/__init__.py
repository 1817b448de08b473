"""The names in events and the order of the log, as pure functions."""
