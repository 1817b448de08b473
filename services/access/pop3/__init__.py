"""POP3 (RFC 1939): what a session knows, and its commands."""
