"""The command and the launcher, the only code that knows every service."""
