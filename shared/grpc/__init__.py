"""Binds contracts to services: a servicer is reached in-process or over gRPC, with the same checks."""
