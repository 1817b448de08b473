"""The gRPC contract of the event log."""
