"""SORT and THREAD: the messages of a mailbox in another order than that of their UIDs."""
