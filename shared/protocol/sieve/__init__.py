"""Sieve (RFC 5228), as pure code: scripts as values, and the actions that a script decides."""
