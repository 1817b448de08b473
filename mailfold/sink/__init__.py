"""A catch-all SMTP server: it takes mail for everybody, sends none on, and keeps it in a Maildir."""
