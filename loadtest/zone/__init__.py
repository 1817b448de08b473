"""DNS data and the answers made from it."""
