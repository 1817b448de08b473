"""The mail of the load test: the same seed gives the same bytes on every machine."""
