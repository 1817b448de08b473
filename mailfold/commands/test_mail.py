"""`mailfold test-mail`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Data, Json, Option

if TYPE_CHECKING:
    from mailfold.operator.test_mail import SentTestMail


def test_mail(
    sender: Annotated[str, Option("--from", help="The sender: an address of this server.")],
    recipient: Annotated[str, Option("--to", help="The recipient: any address.")],
    wait: Annotated[int, Option("--wait", minimum=0, maximum=3600, help="Seconds to wait for the outcome.")] = 60,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Send a test mail through the running server, and say what became of it.

    The mail goes the whole way of a mail that a user submits: delivery, queue, signature, next hop. Exit code 1 when it
    was returned, or when its outcome is not known in time.
    """
    from mailfold.commands.printing import as_json
    from mailfold.operator.session import converse
    from mailfold.operator.test_mail import send_test_mail

    tried = converse(data, lambda session: send_test_mail(session, sender, recipient, wait))
    as_json(_values(tried)) if json else _print(tried)
    if not tried.arrived:
        raise SystemExit(1)


def _values(tried: SentTestMail) -> dict[str, Any]:
    from mailfold.commands.queue_printing import fields

    return {
        "queue_id": tried.queue_id,
        "message_id": tried.message_id,
        "arrived": tried.arrived,
        "in_time": tried.in_time,
        "delivered_here": [{"recipient": row.recipient, "result": row.result} for row in tried.outcomes],
        "sent": [fields(history) for history in tried.sent],
    }


def _print(tried: SentTestMail) -> None:
    from mailfold.commands.queue_printing import history_lines
    from mailfold.texts import printable

    for row in tried.outcomes:
        print(printable(f"{row.recipient}\n  {row.result} on this server {row.detail}", keep_lines=True).rstrip())
    for history in tried.sent:
        print("\n".join(history_lines(history, whole=False)))
    if tried.held:
        print(printable(f"held: {tried.held}; `mailfold deadletters list` shows the step"))
    if not tried.in_time:
        print("its outcome is not known yet")
    print(f"`mailfold trace {tried.queue_id}` has the whole history")
