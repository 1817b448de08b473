"""Measures quality on public corpora."""
