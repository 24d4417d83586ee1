"""The TOML's sources, topics and digests as rows: what is new, changed, renamed, gone, back.

Nothing is deleted: what leaves the TOML is retired, and what is put back goes on where it was. All
rows are read once and compared in memory, so that a TOML in which nothing changed costs three
reads, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Column, Connection, Table, bindparam, delete, literal, select, update

from service.config.schema import Settings, Source
from service.store.content import stale_feeds, versions
from service.store.core.bulk import lots
from service.store.core.column_types import UtcDateTime
from service.store.core.statements import upsert
from service.store.sources import poll_state, publisher_holds, renames
from service.store.tables import digest, source, source_counts, source_poll, topic

Row = dict[str, Any]

_UNRULED = (
    update(topic)
    .where(topic.c.retired_at.is_not(None), topic.c.rules_hash.is_not(None))
    .values(rules_hash=None)
)


def register(connection: Connection, settings: Settings, now: datetime, *, retire: bool) -> None:
    """Bring the rows to what the TOML says. Needs a write transaction.

    `retire`: what is not in the TOML is retired (only `up` and `reload` say so). What readers see
    of a change (titles, outlets, topics) marks the feeds that show it.
    """
    outlets = _sources(connection, settings, now, retire=retire)
    feeds = _topics(connection, settings, now, retire=retire)
    digests = _digests(connection, settings, now, retire=retire)
    if outlets:
        feeds = feeds | set(settings.topic)
    if feeds or digests:
        versions.raise_(connection, [versions.SITE])
    stale_feeds.mark_listed(connection, feeds, now)


def hold_sources(connection: Connection) -> None:
    """Wait for who is recording what a source said, and hold the next one off until this commits.

    To be called before `entries.queue` by who changes sources under it: who records has its sources
    first and queues then. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        both = select(source.c.id).join(source_poll, source_poll.c.source_id == source.c.id)
        connection.execute(both.order_by(source.c.id).with_for_update(key_share=True))


def knows(connection: Connection, settings: Settings) -> bool:
    """Whether every source, topic and digest of the TOML has a live row."""
    pairs = ((source, settings.source), (topic, settings.topic), (digest, settings.digest))
    for table, wanted in pairs:
        live = select(table.c.name).where(table.c.retired_at.is_(None))
        if not wanted.keys() <= set(connection.execute(live).scalars()):
            return False
    return True


def _sources(connection: Connection, settings: Settings, now: datetime, *, retire: bool) -> bool:
    """True when feeds say something else of their sources: names, weights, how many there are."""
    renamed = renames.rename(connection, source, _was(settings.source))
    stands = (source_poll.c[name] for name in ("moved_url", "etag", "last_modified"))
    both = select(source, *stands).join(source_poll, source_poll.c.source_id == source.c.id)
    rows = {row.name: row for row in connection.execute(both)}
    new, moved, respelt, retitled = [], [], [], bool(renamed)
    changes: list[Row] = []
    for name, wanted in settings.source.items():
        row = rows.get(name)
        if row is None:
            new.append(_new_source(name, wanted, now))
            continue
        values = _source_values(wanted) | {
            "title": wanted.title or row.title,
            "language": wanted.language or row.language,
            "retired_at": None,
        }
        if _differs(row, values):
            changes.append({"row": row.id, **values})
            shown = ("title", "weight", "retired_at")
            retitled = retitled or any(getattr(row, name) != values[name] for name in shown)
            if _elsewhere(row, wanted):
                moved.append(row.id)
            elif row.url != wanted.url:
                respelt.append({"row": row.id, "next_poll_at": now, **_respelt(row, wanted)})
    _insert(connection, source, new)
    _update(connection, source.c.id, changes)
    _update(connection, source_poll.c.source_id, respelt)
    for some in lots(moved):
        connection.execute(delete(source_poll).where(source_poll.c.source_id.in_(some)))
    if new or moved:
        _begin(connection, now)
    if retire and _retire(connection, source, rows.values(), settings.source, now):
        retitled = True
    return retitled


def _new_source(name: str, wanted: Source, now: datetime) -> Row:
    values = _source_values(wanted)
    host = urlsplit(wanted.url).hostname or name
    return {
        "name": name,
        "title": wanted.title or host.removeprefix("www."),
        "language": wanted.language,
        "created_at": now,
        **values,
    }


def _begin(connection: Connection, now: datetime) -> None:
    """What was never collected at its address is due now, and what it has there is old.

    Such a source has no poll state: it gets a new one.
    """
    for table, start in (source_poll, {"next_poll_at": now}), (source_counts, {}):
        values = (literal(value, UtcDateTime()) for value in start.values())
        missing = select(source.c.id, *values).where(source.c.id.not_in(select(table.c.source_id)))
        row = upsert(connection, table).from_select(["source_id", *start], missing)
        connection.execute(row.on_conflict_do_nothing())


def _source_values(wanted: Source) -> Row:
    return {
        "url": wanted.url,
        "kind": wanted.kind.value,
        "weight": wanted.weight,
        "paused": wanted.paused,
    }


def _elsewhere(row: Any, wanted: Source) -> bool:
    """Another place: its backlog is old.

    Not the same one over TLS, nor the one that its server has sent us to all along.
    """
    was, moved, is_ = (
        (url or "").partition("://")[2] for url in (row.url, row.moved_url, wanted.url)
    )
    return is_ not in {was, moved} or row.kind != wanted.kind.value


def _respelt(row: Any, wanted: Source) -> Row:
    """Validators belong to the address that gave them: the first fetch brings new ones."""
    gave_them = wanted.url == row.moved_url
    return poll_state.NOT_MOVED | {
        "gone_at": None,
        **publisher_holds.NOT_HELD,
        "etag": row.etag if gave_them else None,
        "last_modified": row.last_modified if gave_them else None,
    }


def _topics(connection: Connection, settings: Settings, now: datetime, *, retire: bool) -> set[str]:
    """The topics whose feeds look otherwise: new, renamed, retitled, back, gone.

    What is gone is matched with nothing: once it is back, it must be matched with all that came in
    meanwhile, though its rules are the same.
    """
    wanted = {name: {"title": one.title or name} for name, one in settings.topic.items()}
    touched = _plain(connection, topic, wanted, _was(settings.topic), now, retire=retire)
    if retire:
        connection.execute(_UNRULED)
    return touched


def _digests(
    connection: Connection, settings: Settings, now: datetime, *, retire: bool
) -> set[str]:
    """Those that look otherwise, as of topics."""
    wanted = {
        name: {
            "title": one.title or settings.site.title,
            "scope": one.scope,
            "position": position,
        }
        for position, (name, one) in enumerate(settings.digest.items())
    }
    return _plain(connection, digest, wanted, _was(settings.digest), now, retire=retire)


def _plain(
    connection: Connection,
    table: Table,
    wanted: Mapping[str, Row],
    was: Mapping[str, str],
    now: datetime,
    *,
    retire: bool,
) -> set[str]:
    touched = set(renames.rename(connection, table, was))
    renames.free(connection, table.name, list(wanted))
    rows = {row.name: row for row in connection.execute(select(table))}
    new, changes = [], []
    for name, values in wanted.items():
        row = rows.get(name)
        if row is None:
            new.append({"name": name, "created_at": now, **values})
        elif _differs(row, values | {"retired_at": None}):
            changes.append({"row": row.id, "retired_at": None, **values})
        else:
            continue
        touched.add(name)
    _insert(connection, table, new)
    _update(connection, table.c.id, changes)
    if retire:
        touched |= _retire(connection, table, rows.values(), wanted, now)
    return touched


def _was(tables: Mapping[str, Any]) -> dict[str, str]:
    """New name -> old name, where the old one is not in the TOML any more."""
    return {name: one.was for name, one in tables.items() if one.was and one.was not in tables}


def _differs(row: Any, values: Row) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())


def _insert(connection: Connection, table: Table, rows: list[Row]) -> None:
    if rows:
        # Two processes of the service may start at once: the second finds them there.
        statement = upsert(connection, table).on_conflict_do_nothing(index_elements=["name"])
        connection.execute(statement, rows)


def _update(connection: Connection, key: Column[Any], rows: list[Row]) -> None:
    if rows:
        values: Row = {name: bindparam(name) for name in rows[0] if name != "row"}
        connection.execute(update(key.table).where(key == bindparam("row")).values(values), rows)


def _retire(
    connection: Connection,
    table: Table,
    rows: Iterable[Any],
    wanted: Mapping[str, Any],
    now: datetime,
) -> set[str]:
    gone = {row.name: row.id for row in rows if row.retired_at is None and row.name not in wanted}
    _update(connection, table.c.id, [{"row": found, "retired_at": now} for found in gone.values()])
    return set(gone)
