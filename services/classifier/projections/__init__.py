"""The classifier's projection."""
