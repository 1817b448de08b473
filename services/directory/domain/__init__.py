"""The decisions of the directory as pure functions."""
