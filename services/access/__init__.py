"""The access service: IMAP (later POP3 and ManageSieve) for the mailboxes in the mailstore."""
