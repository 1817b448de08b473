"""Sockets in, and what an operator may ask."""
