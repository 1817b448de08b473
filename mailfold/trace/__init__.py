"""The history of a mail as text, from events alone."""
