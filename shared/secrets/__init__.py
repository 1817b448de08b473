"""Secrets at rest: values that are stored encrypted, and the keys that encrypt them."""
