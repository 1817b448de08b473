"""Scores mail, learns from what people do with it, explains."""
