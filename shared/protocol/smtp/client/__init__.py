"""The client's side of SMTP and LMTP (RFC 5321, RFC 2033): replies in, commands out, no I/O."""
