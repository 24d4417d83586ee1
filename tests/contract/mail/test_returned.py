"""A forged bounce suppresses nobody: a running service whose returned mail is attacked."""

from __future__ import annotations

from sqlalchemy import select

from service.store import tables as t
from service.store.audience import suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.contract.mail.office import Office, just_now
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.returned.imap_server import SILENCE, ImapServer, Stored
from tests.mail.returned.samples import RETURN_PATH, arf, dsn
from tests.running import eventually

DEAD, ALIVE = "lan@example.vn", "minh@example.vn"
BOUNCES = """
bounces.address = "{address}"
bounces.imap = {{ host = "127.0.0.1", port = {port}, username = "tra-ve", password = "bi-mat" }}
"""


def forged(paths: dict[str, str]) -> list[bytes]:
    """What a stranger sends who knows everybody's address, and his own return path."""
    own = paths[DEAD]
    number = {address: path.partition("+")[2].partition("-")[0] for address, path in paths.items()}
    key = own.partition("@")[0].rpartition("-")[2]
    to = [
        RETURN_PATH,
        *(f"tra-ve+{number[ALIVE]}-{letter * 16}@tin.example.vn" for letter in "abcdef234567"),
        f"tra-ve+{number[ALIVE]}-{key}@tin.example.vn",
        own,  # his own key, and another's name
    ]
    mails = [dsn(to=one, recipient=ALIVE) for one in to]
    return [*mails, *(arf(to=one, mail_from=one, who=ALIVE) for one in to[:-1])] * 3


def suppressed(office: Office) -> dict[str, str]:
    with office.store.read() as connection:
        secret = facts.secret(connection)
        known = {mailboxes.key(secret, one): one for one in (DEAD, ALIVE)}
        found = suppressions.among(connection, known)
        return {known[key]: why for key, why in found.items()}


def rows(office: Office) -> int:
    with office.store.read() as connection:
        return len(connection.execute(select(t.returned_mail)).all())


async def test_only_what_brings_its_key_ends_mail_to_an_address(tmp_path):
    async with Sink() as relay:
        with (
            ImapServer(keywords=False) as box,
            Office(tmp_path, relay.port) as office,
        ):
            bounces = BOUNCES.format(address=RETURN_PATH, port=box.port)
            text = office.config.read_text("utf-8")
            office.config.write_text(
                text.replace("\n[mail.relay", f"{bounces}[mail.relay"), "utf-8"
            )
            stock.fill(office.store, just_now(), [DEAD, ALIVE])
            async with office.up():
                await eventually(lambda: len(relay.received) == 2)
                paths = {one.recipient: one.sender for one in relay.received}
                assert len(set(paths.values())) == 2
                box.mails.extend(Stored(data) for data in forged(paths))
                await eventually(lambda: not box.unread())
                assert suppressed(office) == {}
                assert rows(office) == 1  # of his own delivery, which he may have: it is soft
                box.mails.append(Stored(dsn(to=paths[DEAD], recipient=DEAD)))
                await eventually(lambda: suppressed(office) == {DEAD: suppressions.BOUNCED})
                assert set(office.states().values()) == {"accepted"}
                box.fault = ("SELECT", SILENCE)
                box.hanging.clear()
                await eventually(box.hanging.is_set)
            # The block has ended the service while the mailbox said nothing.
