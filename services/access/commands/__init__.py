"""The handlers of IMAP commands, a file for each family; `table` maps commands to handlers."""
