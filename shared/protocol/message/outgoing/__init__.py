"""The final form of a message before it is signed and sent: what is signed is what is sent (RFC 6376 §5.3)."""
