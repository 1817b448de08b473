"""Plans: pure."""
