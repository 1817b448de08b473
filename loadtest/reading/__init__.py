"""Reading a large mailbox, beside Dovecot in the same run."""
