"""The mailbox store: accounts' mailboxes, messages and flags, and their history."""
