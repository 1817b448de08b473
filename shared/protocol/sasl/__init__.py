"""Server side of SASL (RFC 4422), shared by SMTP, IMAP, POP3 and ManageSieve."""
