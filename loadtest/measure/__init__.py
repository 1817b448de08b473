"""The measurements: one file for each question asked of the server."""
