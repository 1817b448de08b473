"""Comparators and match types (RFC 5228 §2.7, RFC 4790): which values match which keys."""
