"""The decisions of delivery as pure functions."""
