"""The classifier's adapter to the directory."""
