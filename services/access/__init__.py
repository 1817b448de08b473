"""IMAP (and later POP3, ManageSieve): protocol shells over the mailbox store."""
