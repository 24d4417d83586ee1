"""What is kept about an address, for its owner to take along."""

from __future__ import annotations

from datetime import datetime

from service.mail.outbox import Outbox
from service.store.audience import personal_data, traces
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Store


def document(store: Store, now: datetime, found: Subscription, outbox: Outbox) -> bytes:
    """All rows about the person of this subscription as one JSON document.

    Beside them stands what lies in the outbox for them. Writes nothing.
    """
    with store.read() as connection:
        rows = personal_data.of_person(connection, found.subscriber_id)
        ids = traces.message_ids(connection, found.subscriber_id)
    mails = {key: outbox.get(key) for key in (one.partition("@")[0] for one in ids)}
    return personal_data.as_json(
        {
            "address": found.address,
            "made_at": now.isoformat(),
            "tables": rows,
            "outbox": {key: mail.decode("utf-8", "replace") for key, mail in mails.items() if mail},
        }
    )
