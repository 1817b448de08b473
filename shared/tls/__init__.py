"""TLS: the local certificate authority, server and client contexts, and the facts of a handshake."""
