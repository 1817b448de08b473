"""Password hashing, the settings file, the key of secrets' hashes."""
