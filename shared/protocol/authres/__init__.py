"""The Authentication-Results header field (RFC 8601): writing and recognising it."""
