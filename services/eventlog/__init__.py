"""The event log: a searchable copy of the events of all services, from which the history of a mail is shown."""
