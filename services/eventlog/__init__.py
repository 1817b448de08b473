"""The event log: a copy of every event of every service, searchable, and the life of a mail told from it."""
