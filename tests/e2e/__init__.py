"""Tests a whole server in each layout, with the same assertions."""
