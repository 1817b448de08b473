"""Configuration as history: domains, users, accounts, aliases, settings, and who may log in."""
