"""What the ingress asks of others: the directory and the DNS."""
