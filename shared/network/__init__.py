"""Connections from the network: who counts as one client, how many connections are accepted, and their descriptors."""
