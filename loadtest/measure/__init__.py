"""The measurements, with one module for each question."""
