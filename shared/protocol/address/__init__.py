"""Mail addresses: the mailbox of an envelope, the address list of a header, the names of accounts."""
