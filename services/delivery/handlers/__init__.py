"""Handlers that plan a delivery, carry it out and settle it."""
