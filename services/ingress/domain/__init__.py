"""The decisions of the ingress as pure functions."""
