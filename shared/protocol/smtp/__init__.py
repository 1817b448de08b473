"""The server's side of SMTP without I/O (RFC 5321): bytes and replies in, events and bytes out."""
