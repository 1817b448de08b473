"""The grammar of IMAP commands: a function for each ABNF production."""
