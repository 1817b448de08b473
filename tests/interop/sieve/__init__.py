"""The same scripts and messages in Mailfold and in Pigeonhole, Dovecot's interpreter of Sieve."""
