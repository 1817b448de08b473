"""ManageSieve (RFC 5804), the server's side as pure code: octets in, commands out; values in, responses out."""
