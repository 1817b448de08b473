"""Return addresses that we write and recognise: the Sender Rewriting Scheme, and one per member of a list (VERP)."""
