"""Handlers that accept, repeat, settle and hold receptions, and record refusals."""
