"""Password hashing, the settings file, and the key with which secrets are hashed."""
