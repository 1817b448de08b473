"""TLS: the local certificate authority, contexts for servers and clients, and descriptions of handshakes."""
