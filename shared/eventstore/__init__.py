"""The event store: the events of a service in order, and the tables computed from them (docs/architecture.md)."""
