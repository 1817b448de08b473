"""Handlers that load state, decide, and append events."""
