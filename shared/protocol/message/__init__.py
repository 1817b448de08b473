"""The Internet message (RFC 5322, RFC 2045-2049): one scan, and what is read from it. Pure: bytes in, values out."""
