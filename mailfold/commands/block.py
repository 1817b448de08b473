"""`mailfold block …`"""

from __future__ import annotations

from mailfold.commands.sender_lists import commands_of

app = commands_of(
    "block", "Blocked senders and networks: mail of blocked senders goes to Spam, and blocked networks cannot connect."
)
