"""Starters of the real parts that tests talk to. Each says why it is missing, where it is."""
