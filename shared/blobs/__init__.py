"""The blob store: message bodies, named by their hash, compressed, written once, and durable when a commit returns."""
