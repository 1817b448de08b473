"""The projection of the queue."""
