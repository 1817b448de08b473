"""What the log is asked and what it does by itself."""
