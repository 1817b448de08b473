"""Runs the processes of an installation: starts them in order, restarts what crashes, stops them in reverse order."""
