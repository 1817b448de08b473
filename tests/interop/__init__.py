"""Other people's clients with a whole server."""
