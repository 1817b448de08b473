"""Adapters to the directory and the DNS."""
