"""The Authentication-Results field (RFC 8601): writes it and recognises forged ones."""
