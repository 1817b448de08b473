"""Delivery status notifications (RFC 3461, 3464), as pure code."""
