"""Sender Policy Framework (RFC 7208): records, macros and evaluation."""
