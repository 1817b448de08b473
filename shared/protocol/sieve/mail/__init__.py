"""The message as a script sees it: its current header, its addresses, its parts, and the changes that a script made."""
