"""Load, decide, append."""
