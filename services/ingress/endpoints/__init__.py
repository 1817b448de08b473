"""SMTP connections, the bus worker and the gRPC contract of the ingress."""
