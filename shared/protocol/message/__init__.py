"""The Internet message (RFC 5322, RFC 2045-2049), as pure code: one scan, and what is read from it."""
