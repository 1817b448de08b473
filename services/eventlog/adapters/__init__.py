"""The tables of the log, and what goes in and comes out of them."""
