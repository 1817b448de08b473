"""Plans in hand."""
