"""What a session is: its state, its view of a mailbox, what it must be notified of."""
