"""TLS: the local certificate authority, server and client contexts, and the events of a handshake."""
