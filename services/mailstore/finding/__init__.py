"""Queries over the mailboxes of an account: the query language of docs/search.md."""
