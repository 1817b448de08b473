"""Imports of files into the directory, as the command makes them."""
