"""The life of a mail as text, from events alone."""
