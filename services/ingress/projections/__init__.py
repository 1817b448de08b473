"""The tables that the facts fold into."""
