"""Mails that a script of an account sends: vacation responses, notifications and reports of a refusal."""
