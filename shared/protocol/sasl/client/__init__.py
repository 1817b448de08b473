"""Client side of SASL (RFC 4422)."""
