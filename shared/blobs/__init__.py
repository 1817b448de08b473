"""Message bytes: content-addressed, compressed, written once, durable before they are answered."""
