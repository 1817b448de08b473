"""An IMAP session: its state, its view of the mailbox, and what its client must be notified of."""
