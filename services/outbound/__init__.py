"""Outbound: the queue of mail to other servers."""
