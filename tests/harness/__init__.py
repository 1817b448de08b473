"""Starts a whole server for tests, with clients for its users and its operator."""
