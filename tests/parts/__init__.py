"""Starts the external programs that tests use; each module says why its program is missing, if it is."""
