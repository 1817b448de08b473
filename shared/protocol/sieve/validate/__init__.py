"""Validation of a script: which commands, tests and arguments exist, and what each demands (RFC 5228 §2.6)."""
