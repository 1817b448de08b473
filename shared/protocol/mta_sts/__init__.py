"""MTA-STS: the record, the policy and the answer that carries it (RFC 8461). No I/O."""
