"""A demo server: a domain, two users, and instructions to connect."""
