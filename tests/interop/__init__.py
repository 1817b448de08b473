"""Clients that others wrote, against a whole server."""
