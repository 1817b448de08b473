"""The life of a mail as text, from facts alone."""
