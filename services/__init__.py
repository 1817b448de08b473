"""One folder a service; they meet in facts and contracts only."""
