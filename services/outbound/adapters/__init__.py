"""Adapters of the outbound queue: connections to other servers, the directory, and the ingress."""
