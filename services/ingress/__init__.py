"""The ingress: accepts mail over SMTP durably, checks it, and repeats it until it is settled."""
