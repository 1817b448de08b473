"""The bus worker and the gRPC contract of delivery."""
