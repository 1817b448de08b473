"""The event store: what happened, in order, and everything that is computed from it (DESIGN §4)."""
