"""The classifier's worker on the bus and its gRPC contract."""
