"""Judging mails and learning lessons."""
