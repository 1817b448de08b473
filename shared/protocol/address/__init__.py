"""Mail addresses: the mailbox of an envelope, the address list of a header, and the names of accounts."""
