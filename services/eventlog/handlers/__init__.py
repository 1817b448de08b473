"""Questions to the event log, and its background work."""
