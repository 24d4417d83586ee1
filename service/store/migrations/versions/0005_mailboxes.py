"""Keys of mailboxes, counters of sign-up mails, and no address in what relays answered."""

import hashlib
import hmac
import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Frozen here: a migration must not follow the live code.
INSTANT = sa.DateTime(timezone=True)
BATCH = 1000
ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
GMAIL = {"gmail.com", "googlemail.com"}


def upgrade() -> None:
    op.create_table(
        "signup_hour",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "hour", name=op.f("pk_signup_hour")),
    )
    op.add_column("subscriber", sa.Column("mailbox_key", sa.LargeBinary(), nullable=True))
    op.create_index("ix_subscriber_mailbox_key", "subscriber", ["mailbox_key"], unique=False)
    op.drop_index("ix_delivery_letters", table_name="delivery")
    connection = op.get_bind()
    _give_keys(connection)
    for table, column, key in (
        ("delivery", "reply", ("id",)),
        ("attempt", "answer", ("delivery_id", "n")),
        ("suppression", "evidence", ("address_key",)),
    ):
        _take_addresses_out(connection, table, column, key)


def _give_keys(connection: sa.Connection) -> None:
    """Each mailbox its key, and those whose key wrote `ß` as `ss` one of their own.

    A suppression that was written under such a key may be either's: it holds for both from now on.
    Who is forgotten keeps the old key, since the address is not there any more.
    """
    fact = sa.table("fact", sa.column("name"), sa.column("value"))
    secret = connection.execute(
        sa.select(fact.c.value).where(fact.c.name == "hmac_secret")
    ).scalar()
    if secret is None:
        return
    secret = bytes.fromhex(secret)
    people = sa.table(
        "subscriber",
        sa.column("id"),
        sa.column("address"),
        sa.column("address_key", sa.LargeBinary),
        sa.column("mailbox_key", sa.LargeBinary),
    )
    known = connection.execute(
        sa.select(people.c.id, people.c.address).where(people.c.address.is_not(None))
    ).all()
    set_mailbox = (
        sa.update(people)
        .where(people.c.id == sa.bindparam("row"))
        .values(mailbox_key=sa.bindparam("mailbox"))
    )
    for at in range(0, len(known), BATCH):
        some = known[at : at + BATCH]
        connection.execute(
            set_mailbox,
            [{"row": row.id, "mailbox": _mailbox(secret, row.address)} for row in some],
        )
    for row in known:
        old, new = _old_key(secret, row.address), _key(secret, row.address)
        if old != new:
            _move_key(connection, people, row.id, old, new)


def _move_key(
    connection: sa.Connection, people: sa.TableClause, row_id: int, old: bytes, new: bytes
) -> None:
    connection.execute(
        sa.update(people)
        .where(people.c.id == row_id, people.c.address_key == old)
        .values(address_key=new)
    )
    barred = sa.table(
        "suppression",
        sa.column("address_key", sa.LargeBinary),
        sa.column("reason"),
        sa.column("since"),
        sa.column("evidence"),
    )
    copied = sa.select(
        sa.literal(new, sa.LargeBinary()), barred.c.reason, barred.c.since, barred.c.evidence
    ).where(barred.c.address_key == old)
    connection.execute(
        sa.insert(barred).from_select(["address_key", "reason", "since", "evidence"], copied)
    )


def _take_addresses_out(
    connection: sa.Connection, name: str, column: str, key: tuple[str, ...]
) -> None:
    table = sa.table(name, sa.column(column, sa.Text), *(sa.column(one) for one in key))
    text = table.c[column]
    rows = connection.execute(
        sa.select(*(table.c[one] for one in key), text).where(text.like("%@%"))
    ).all()
    for row in rows:
        mine = [table.c[one] == value for one, value in zip(key, row, strict=False)]
        connection.execute(
            sa.update(table).where(*mine).values({column: ADDRESS.sub("[address]", row[-1])})
        )


def _old_key(secret: bytes, address: str) -> bytes:
    return _hash(secret, b"address", address.casefold())


def _key(secret: bytes, address: str) -> bytes:
    return _hash(secret, b"address", _folded(address))


def _mailbox(secret: bytes, address: str) -> bytes:
    local, _, domain = _folded(address).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in GMAIL:
        local, domain = local.replace(".", "") or local, "gmail.com"
    return _hash(secret, b"mailbox", f"{local}@{domain}")


def _folded(address: str) -> str:
    return "".join(
        full if len(full := letter.casefold()) == 1 else letter.lower() for letter in address
    )


def _hash(secret: bytes, what: bytes, text: str) -> bytes:
    return hmac.new(secret, what + b"\0" + text.encode(), hashlib.sha256).digest()
