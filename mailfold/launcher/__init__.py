"""Starts an installation: its folders, credentials, bus and processes."""
