"""The table of the ingress, computed from events."""
