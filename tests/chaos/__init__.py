"""Kills, wipes and damages a whole server, then counts: what was accepted is there, once."""
