"""A script of many rules over a message, in Mailfold and in Pigeonhole."""
