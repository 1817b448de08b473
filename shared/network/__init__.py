"""Connections from the network: who counts as one client, how many are taken, and the descriptors they need."""
