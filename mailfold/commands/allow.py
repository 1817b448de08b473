"""`mailfold allow …`"""

from __future__ import annotations

from mailfold.commands.sender_lists import commands_of

app = commands_of("allow", "Allowed senders: their mail is not filed as spam, unless it is forged.")
