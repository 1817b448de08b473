"""What people search for: the query language, the words of texts and queries, and snippets, as pure code."""
