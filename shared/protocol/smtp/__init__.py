"""SMTP as a server speaks it (RFC 5321): bytes in, events out, replies in, bytes out."""
