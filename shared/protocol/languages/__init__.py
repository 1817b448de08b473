"""The texts that Mailfold writes to its own users, in their languages."""
