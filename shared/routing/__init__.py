"""Where mail to an address goes: the address book as the fold of the directory's events. Pure."""
