"""Adapters to the services that sessions call."""
