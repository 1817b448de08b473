"""Handlers that try entries, record the outcomes, report them to senders, and carry out the operator's commands."""
