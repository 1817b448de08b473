"""Runs Sieve scripts for services: compiled once, their questions answered, long runs off the event loop."""
