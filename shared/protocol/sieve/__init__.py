"""Sieve (RFC 5228): scripts as values, and what running one decides. Pure."""
