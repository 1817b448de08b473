"""What the ingress decides and computes: values in, values out."""
