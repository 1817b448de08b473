"""The reading side: an IMAP client small enough not to disturb what it measures."""
