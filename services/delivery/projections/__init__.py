"""The projection of plans."""
