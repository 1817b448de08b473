"""The Authenticated Received Chain (RFC 8617): validation of a chain, and sealing."""
