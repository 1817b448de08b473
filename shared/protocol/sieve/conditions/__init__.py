"""The tests of scripts (RFC 5228 §5), base and extensions."""
