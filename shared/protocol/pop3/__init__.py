"""POP3 (RFC 1939), the server's side as pure code: lines in and responses out; a maildrop as a value."""
