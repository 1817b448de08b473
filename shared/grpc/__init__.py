"""Binds contracts to services: one servicer is reached in-process or over gRPC, with the same checks (docs/architecture.md)."""
