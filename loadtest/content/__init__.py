"""The mail of the load test: equal seeds give equal bytes on every machine."""
