"""The IMAP protocol without I/O (RFC 3501, RFC 9051): framing, grammar, state and responses, as values."""
