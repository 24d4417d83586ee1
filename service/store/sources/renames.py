"""`was = "old-id"`: what the TOML renames keeps its row, its history and its old address.

Rows hold ids of topics by name in three places besides their own table: redirects, the choice of
subscribers, and frozen editions. All of them follow: an edition is planned, carried by a welcome
and shown in the archive long after its freeze.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, Text, bindparam, cast, delete, or_, select, update

from service.store.core.statements import upsert
from service.store.tables import dropped_story, edition_story, redirect, subscription

_OLD_NAMES = select(redirect.c.old_name).where(redirect.c.kind == bindparam("kind"))


def rename(connection: Connection, table: Table, was: Mapping[str, str]) -> dict[str, str]:
    """Rename rows of `source`, `topic` or `digest`. `was`: new name -> old name.

    Only where the old row is there and the new one is not: said twice, it does nothing. Returns
    the renames that were made, new name -> old name.
    """
    if not was:
        return {}
    wanted = {*was, *was.values()}
    there = set(connection.execute(select(table.c.name).where(table.c.name.in_(wanted))).scalars())
    done: dict[str, str] = {}
    for new, old in was.items():
        if old in there and new not in there:
            connection.execute(update(table).where(table.c.name == old).values(name=new))
            there = (there - {old}) | {new}
            done[new] = old
    for new, old in done.items():
        if table.name != "source":  # which has no address of its own
            _redirect(connection, table.name, old, new)
    if table.name == "topic" and done:
        _follow(connection, {old: new for new, old in done.items()})
    return done


def moved_to(connection: Connection, kind: str, name: str) -> str | None:
    """Where the address of a renamed "topic" or "digest" leads now. None: it was not renamed."""
    found = select(redirect.c.new_name).where(redirect.c.kind == kind, redirect.c.old_name == name)
    return connection.execute(found).scalar()


def free(connection: Connection, kind: str, names: list[str]) -> None:
    """Forget the redirects of names that are in use (again)."""
    known = connection.scalars(_OLD_NAMES, {"kind": kind})
    if taken := sorted(set(known) & set(names)):
        connection.execute(
            delete(redirect).where(redirect.c.kind == kind, redirect.c.old_name.in_(taken))
        )


def _redirect(connection: Connection, kind: str, old: str, new: str) -> None:
    """One hop from every name that it ever had."""
    connection.execute(
        update(redirect)
        .where(redirect.c.kind == kind, redirect.c.new_name == old)
        .values(new_name=new)
    )
    row = upsert(connection, redirect).values(kind=kind, old_name=old, new_name=new)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["kind", "old_name"], set_={"new_name": row.excluded.new_name}
        )
    )


def _follow(connection: Connection, names: Mapping[str, str]) -> None:
    chosen = connection.execute(
        select(subscription.c.id, subscription.c.topics).where(subscription.c.topics.is_not(None))
    )
    rows = [
        {"row": row.id, "value": [names.get(name, name) for name in row.topics]}
        for row in chosen
        if not names.keys().isdisjoint(row.topics)
    ]
    if rows:
        connection.execute(
            update(subscription)
            .where(subscription.c.id == bindparam("row"))
            .values(topics=bindparam("value")),
            rows,
        )
    for table in (edition_story, dropped_story):
        _follow_in_editions(connection, names, table)


def _follow_in_editions(connection: Connection, names: Mapping[str, str], table: Table) -> None:
    c = table.c
    in_any = [cast(c.topics, Text).contains(f'"{old}"', autoescape=True) for old in names]
    frozen = connection.execute(
        select(c.edition_id, c.story_id, c.topics, c.view).where(or_(*in_any))
    )
    rows = [
        {
            "of_edition": row.edition_id,
            "of_story": row.story_id,
            "placed": _renamed(row.topics, names),
            "shown": {**row.view, "topics": _renamed(row.view.get("topics", []), names)},
        }
        for row in frozen
    ]
    if rows:
        connection.execute(
            update(table)
            .where(
                c.edition_id == bindparam("of_edition"),
                c.story_id == bindparam("of_story"),
            )
            .values(topics=bindparam("placed"), view=bindparam("shown")),
            rows,
        )


def _renamed(pairs: Sequence[Sequence[str]], names: Mapping[str, str]) -> list[list[str]]:
    return [[names.get(name, name), said] for name, said in pairs]
