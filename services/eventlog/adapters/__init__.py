"""The tables of the event log, and how events are written to them and read."""
