"""The IMAP listener and its connections, and the contract of the access service."""
