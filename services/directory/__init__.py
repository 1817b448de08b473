"""The directory: domains, users, accounts, aliases, settings and authentication, kept as events."""
