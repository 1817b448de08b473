"""TLSA records and the certificates that they name (RFC 6698, RFC 7671, RFC 7672). No I/O."""
