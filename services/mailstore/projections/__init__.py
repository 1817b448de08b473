"""The tables that the events fold into."""
