"""Where mail to an address goes, as pure functions of the directory's events."""
