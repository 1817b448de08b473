"""Code for every service; it does not know any service."""
