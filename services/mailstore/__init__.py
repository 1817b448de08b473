"""The mailstore: mailboxes, messages and flags of all accounts, with their history."""
