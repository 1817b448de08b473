"""The event log: a copy of every fact of every service, searchable, and the life of a mail told from it."""
