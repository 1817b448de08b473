"""Handlers that judge mails and learn lessons."""
