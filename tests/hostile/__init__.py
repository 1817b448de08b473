"""Harmful input from strangers and users, sent to a real server."""
