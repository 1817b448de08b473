"""Places the mail signature of a domain into a message that leaves, before the message is signed with DKIM.

A mail signature is text for people: name, company, telephone. It has nothing to do with cryptographic signatures.
"""
