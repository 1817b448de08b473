"""The IMAP command grammar: one ABNF production, one function."""
