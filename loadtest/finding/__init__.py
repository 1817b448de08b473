"""Searches in a large mailbox: what the text index costs, and how fast and how right its answers are."""
