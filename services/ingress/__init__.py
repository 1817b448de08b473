"""The ingress: SMTP from other servers and from users, checked, accepted durably, and repeated until settled."""
