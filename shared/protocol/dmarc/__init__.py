"""DMARC (RFC 7489): policy discovery, identifier alignment and verdict."""
