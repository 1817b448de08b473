"""A whole server, started and talked to as its users and its operator do."""
