"""Runs the processes of an installation: starts them in order, restarts crashed ones, stops them in reverse order."""
