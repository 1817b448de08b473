"""The IMAP protocol as values: framing, grammar, state and responses, without I/O (RFC 3501, RFC 9051)."""
