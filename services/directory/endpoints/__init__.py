"""The gRPC contract of the directory."""
