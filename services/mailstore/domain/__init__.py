"""Decisions about mailboxes: pure."""
