"""Accepting, repeating, settling and holding receptions; folding refusals into events."""
