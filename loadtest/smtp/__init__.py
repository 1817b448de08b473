"""The sending side: SMTP sessions, and the driver that uses them."""
