"""The gRPC contract of the mailstore."""
