"""One folder a service; they meet in events and contracts only."""
