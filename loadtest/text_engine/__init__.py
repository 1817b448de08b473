"""Measures the text index by itself: what a message costs, what it takes on disk, and how long questions take."""
