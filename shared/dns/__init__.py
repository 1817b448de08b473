"""The resolver: asks the configured name servers and caches their answers."""
