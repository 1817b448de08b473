"""A server to try at once: a domain, two users, and how to connect."""
