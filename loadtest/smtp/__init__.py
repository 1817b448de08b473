"""The sending side: SMTP sessions and the driver that fills them."""
