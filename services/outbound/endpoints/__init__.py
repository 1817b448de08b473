"""The gRPC contract of the outbound queue."""
