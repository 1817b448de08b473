"""Kills, wipes and damages a whole server, then checks that every accepted mail is there exactly once."""
