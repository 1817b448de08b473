"""The reading side: an IMAP client that is small enough not to disturb the measurement."""
