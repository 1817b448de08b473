"""The decisions of the outbound queue as pure functions."""
