"""ManageSieve (RFC 5804): what a session knows, and its commands."""
