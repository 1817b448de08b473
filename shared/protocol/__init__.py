"""Grammars and protocol objects as pure code: values in, values out."""
