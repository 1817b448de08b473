"""Units of work and questions of the directory."""
