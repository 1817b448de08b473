"""Units of work and reads of the directory."""
