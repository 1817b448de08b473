"""The decisions of the mailstore as pure functions."""
