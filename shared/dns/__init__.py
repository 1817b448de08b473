"""The resolver: asks the configured name servers, remembers what they said."""
