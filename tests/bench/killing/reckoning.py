"""What must hold of rows and mails once all is settled, however often who died."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, and_, func, select

from service.model import DeliveryKind, DeliveryState, ReviewState
from service.store import tables as t
from service.store.core.database import Connection, Store
from tests.bench.killing.commands import TakenBack
from tests.bench.killing.desk import EDITORS, NAME, Press
from tests.bench.killing.visitor import text
from tests.contract.fleet import numbers_of, shown_by
from tests.mail.relays import Received

_REASON = re.compile(r"sai-ngay-(\d+)-het")
_TAKEN = {DeliveryState.ACCEPTED.value, DeliveryState.UNCERTAIN.value}
_CLOCKS = timedelta(seconds=2)
"""The bench's own clock is the machine's, the service's may be the database's."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of one of the digests. `address` is the last one of who has changed it."""

    address: str
    digest: str


@dataclass
class Reckoning:
    """`faults()` is empty where all is well. `mails`: whatever the relay took, as it came."""

    store: Store
    mails: Sequence[Received]
    readers: Sequence[Reader]
    titles: Sequence[str]
    presses: Sequence[Press]
    taken_back: Sequence[TakenBack]
    merged: Sequence[tuple[str, str]]

    def faults(self) -> Iterator[str]:
        with self.store.read() as connection:
            self._read(connection)
            for check in (
                self._mails, self._told, self._doubled, self._merged, self._corrections,
                self._acts, self._reviews, self._dropped,
            ):  # fmt: skip
                for fault in check(connection):
                    yield f"{check.__name__.strip('_')}: {fault}"

    def is_told(self) -> bool:
        """Whether every reader was told everything."""
        with self.store.read() as connection:
            self._read(connection)
            return not any(self._told(connection))

    def _read(self, connection: Connection) -> None:
        rows = connection.execute(select(t.delivery)).all()
        self._deliveries = {row.message_id: row for row in rows}
        self._received = [(_message_id(one.data), one) for one in self.mails]
        digests = {
            row.id: row.name for row in connection.execute(select(t.digest.c.id, t.digest.c.name))
        }
        self._editions = {
            row.id: (digests[row.digest_id], row) for row in connection.execute(select(t.edition))
        }
        known = select(t.recalled_article.c.recall_id, t.article.c.title).join(t.article)
        self._recalled = {
            number: row.recall_id
            for row in connection.execute(known)
            for number in numbers_of([row.title])
        }
        self._people = {
            row.id: row.address
            for row in connection.execute(select(t.subscriber.c.id, t.subscriber.c.address))
        }

    def _of_editions(self) -> Iterator[tuple[Row[Any], Received]]:
        for message_id, one in self._received:
            row = self._deliveries.get(message_id)
            if row is not None and row.kind == DeliveryKind.EDITION:
                yield row, one

    # -- each mail has its row, and each row its mail ------------------------------------------

    def _mails(self, connection: Connection) -> Iterator[str]:
        """planned = accepted + uncertain + suppressed + …, and what was accepted is there, once."""
        times = Counter(message_id for message_id, _ in self._received)
        for message_id, number in times.items():
            row = self._deliveries.get(message_id)
            if row is None or row.state not in _TAKEN:
                yield f"{message_id} was taken, and its row says {row and row.state}"
            if number > 1:
                yield f"{message_id} was taken {number} times"
        for message_id, row in self._deliveries.items():
            if row.state == DeliveryState.ACCEPTED and not times[message_id]:
                yield f"{message_id} of {row.kind} {row.edition_id} was accepted and never taken"
        by_state = Counter(row.state for row in self._deliveries.values())
        final = {"accepted", "uncertain", "suppressed", "rejected", "expired", "dropped"}
        if by_state.total() != sum(by_state[one] for one in final):
            yield f"the sums do not agree: {dict(by_state)}"
        stray = (
            select(t.told.c.delivery_id).join(t.delivery).where(t.delivery.c.state.not_in(_TAKEN))
        )
        for one in connection.scalars(stray.distinct()):
            yield f"delivery {one} tells something and never went"

    # -- each reader is told each story once ---------------------------------------------------

    def _told(self, connection: Connection) -> Iterator[str]:
        told = self._pairs(
            connection,
            select(t.subscriber.c.address, t.article.c.title)
            .select_from(t.told)
            .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
            .join(t.article, t.article.c.id == t.told.c.article_id),
        )
        dropped = numbers_of(
            connection.scalars(
                select(t.article.c.title).join(
                    t.dropped_article, t.dropped_article.c.article_id == t.article.c.id
                )
            )
        )
        for reader in self.readers:
            for number in (str(n + 1) for n in range(len(self.titles))):
                excused = number in self._recalled or (reader.digest == NAME and number in dropped)
                if not excused and (reader.address, number) not in told:
                    yield f"{reader.address} was not told {number}"
        shown = self._pairs(
            connection,
            select(t.subscriber.c.address, t.article.c.title)
            .select_from(t.told)
            .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
            .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
            .join(t.article, t.article.c.id == t.told.c.article_id)
            .where(t.told.c.shown, t.delivery.c.state == DeliveryState.ACCEPTED.value),
        )
        got = self._got()
        old = {new: old for old, new in self.merged}
        for who, number in sorted(shown):
            if (who, number) not in got and (old.get(who, ""), number) not in got:
                yield f"{who} never received {number}, which the ledger says was shown"

    def _got(self) -> Counter[tuple[str, str]]:
        return Counter(
            (one.recipient, number) for _, one in self._of_editions() for number in _shown(one.data)
        )

    def _doubled(self, connection: Connection) -> Iterator[str]:
        for (who, number), times in sorted(self._got().items()):
            if times > 1:
                yield f"{who} received {number} {times} times: {self._mails_of(who, number)}"

    def _mails_of(self, who: str, number: str) -> list[tuple[int, str, int | None]]:
        return [
            (row.id, row.state, row.edition_id)
            for row, one in self._of_editions()
            if one.recipient == who and number in _shown(one.data)
        ]

    def _merged(self, connection: Connection) -> Iterator[str]:
        """What either was told before is told to neither by an edition that was planned after."""
        keys = {row.id: row for row in connection.execute(select(t.subscriber))}
        left = {
            keys[row.subscriber_id].address: row.left_at
            for row in connection.execute(select(t.former_address))
        }
        for old, new in self.merged:
            if new not in left:
                yield f"{old} became {new}, and no row says so"
                continue
            both: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
            for row, one in self._of_editions():
                if one.recipient in (old, new):
                    for number in _shown(one.data):
                        both[number].append((row.created_at, one.recipient))
            for number, mails in both.items():
                late = [one for one in mails if one[0] > left[new]]
                if len(mails) > 1 and late:
                    yield f"{old} and {new}, one since {left[new]}, were told {number}: {mails}"
                if any(who == old for _, who in late):
                    yield f"{old} was written to after {left[new]}"

    # -- what was taken back -------------------------------------------------------------------

    def _corrections(self, connection: Connection) -> Iterator[str]:
        """Whoever was told is told that it was taken back, by exactly one mail."""
        for one in self.taken_back:
            if one.number not in self._recalled:
                yield f"{one.number} was taken back at {one.ended} and no row says so"
        acts = connection.execute(select(t.recall)).all()
        for row in acts:
            if not row.actor or not row.reason or row.recalled_at is None:
                yield f"recall {row.id} has no name, reason or time"
        for reason, times in Counter(row.reason for row in acts).items():
            if times > 1:
                yield f"{reason} is {times} recalls"
        rows = connection.execute(
            select(t.correction, t.recall.c.reason, t.delivery.c.state)
            .join(t.recall, t.recall.c.id == t.correction.c.recall_id)
            .outerjoin(t.delivery, t.delivery.c.id == t.correction.c.delivery_id)
        ).all()
        noted = {}
        for row in rows:
            for number in _REASON.findall(row.reason):
                noted[self._people[row.subscriber_id], number] = row.state
        said = Counter(
            (one.recipient, number)
            for _, one in self._received
            if one.recipient not in EDITORS
            for number in set(_REASON.findall(text(one.data)))
        )
        became = dict(self.merged)
        for (who, number), times in said.items():
            if times > 1:
                yield f"{who} was told {times} times that {number} was taken back"
            if (became.get(who, who), number) not in noted:
                yield f"{who} was told that {number} was taken back, and need not be"
        old = {new: old for old, new in self.merged}
        for (who, number), state in noted.items():
            there = said[who, number] or said[old.get(who, ""), number]
            if state is None:
                yield f"{who} still waits to hear that {number} was taken back"
            elif state == DeliveryState.ACCEPTED and not there:
                yield f"{who} was not told that {number} was taken back"
        for who, number in self._got():
            if number in self._recalled and (became.get(who, who), number) not in noted:
                yield f"{who} received {number}, which was taken back, and nobody is to say so"
        for one in self.taken_back:
            for row, mail in self._of_editions():
                at = row.created_at
                if at > one.ended + _CLOCKS and one.number in _shown(mail.data):
                    yield f"{one.number}, taken back at {one.ended}, in a mail planned at {at}"

    # -- editions under review -----------------------------------------------------------------

    def _acts(self, connection: Connection) -> Iterator[str]:
        """What an editor was told is done is a row, with who and when; nothing else is."""
        links = {row.token: row for row in connection.execute(select(t.review_link))}
        rows = connection.execute(select(t.review_act).order_by(t.review_act.c.id)).all()
        acts: defaultdict[tuple[int, str, str], list[datetime]] = defaultdict(list)
        versions: defaultdict[int, set[int]] = defaultdict(set)
        for row in rows:
            if row.address not in EDITORS or row.happened_at is None:
                yield f"act {row.id} of nobody, or of no time"
            acts[row.edition_id, row.address, row.act].append(row.happened_at)
            versions[row.edition_id].add(row.version)
        for row in connection.execute(select(t.review)):
            wanted = set(range(1, row.version + 1))
            if not wanted <= versions[row.edition_id] | {0}:
                yield f"edition {row.edition_id}: versions {versions[row.edition_id]} of {wanted}"
        sent: Counter[tuple[int, str]] = Counter()
        for press in self.presses:
            edition = links[press.token].edition_id
            sent[edition, press.editor] += 1
            do = press.do.partition(":")[0]
            wanted = [do] if do != "save" else []
            wanted += ["opening" if one == "opening" else "note" for one in press.words]
            times = [acts[edition, press.editor, one] for one in wanted]
            begun, ended = press.begun - _CLOCKS, press.ended + _CLOCKS
            for what, found in zip(wanted, times, strict=True):
                if press.done and not any(begun <= at <= ended for at in found):
                    yield f"{press} was done, and there is no row of {what}: {found}"
        most: Counter[tuple[int, str]] = Counter()
        for row in {
            (one.edition_id, one.address, one.version) for one in rows if one.act != "copy"
        }:
            most[row[0], row[1]] += 1
        for key, number in most.items():
            if number > sent[key]:
                yield f"{number} changes of {key}, who pressed {sent[key]} times"

    def _reviews(self, connection: Connection) -> Iterator[str]:
        """An edition is frozen once, asks each editor once, and goes once or never."""
        asked = Counter(
            (one.recipient, link)
            for _, one in self._received
            if one.recipient in EDITORS
            for link in set(re.findall(r"/review/([0-9a-f]{32})", text(one.data)))
        )
        for (who, _), times in asked.items():
            if times > 1:
                yield f"{who} was mailed a link {times} times"
        per_edition = Counter(row.edition_id for row in self._deliveries.values())
        links = select(t.review_link.c.edition_id, func.count()).group_by(
            t.review_link.c.edition_id
        )
        for edition, number in connection.execute(links):
            if number != len(EDITORS):
                yield f"edition {edition} has {number} links"
        for row in connection.execute(select(t.review)):
            if row.state == ReviewState.OVERTAKEN and per_edition[row.edition_id]:
                yield f"edition {row.edition_id} was overtaken and mailed"
            if (
                row.state not in (ReviewState.GONE, ReviewState.OVERTAKEN)
                and per_edition[row.edition_id]
            ):
                yield f"edition {row.edition_id} was mailed while it was {row.state}"
        for one, (digest, row) in self._editions.items():
            reviewed = digest != NAME or connection.scalar(
                select(t.review.c.edition_id).where(t.review.c.edition_id == one)
            )
            if per_edition[one] and not reviewed and row.frozen_at < row.cut_at:
                yield f"edition {one} was mailed without a review"

    def _dropped(self, connection: Connection) -> Iterator[str]:
        """A mail has stories of its edition alone, and none that an editor took out before."""
        frozen = self._stories(connection, t.edition_story)
        out = self._stories(connection, t.dropped_story)
        for row, one in self._of_editions():
            digest, edition = self._editions[row.edition_id]
            if digest != NAME:
                continue
            shown = _shown(one.data)
            if bad := shown & out.get(edition.id, set()):
                yield f"{one.recipient} received {bad}, taken out of edition {edition.id}"
            if bad := shown - frozen.get(edition.id, set()) - self._recalled.keys():
                yield f"{one.recipient} received {bad}, not of edition {edition.id}"
        late = connection.execute(
            select(t.dropped_article, t.article.c.title, func.max(t.review_act.c.happened_at))
            .join(t.article, t.article.c.id == t.dropped_article.c.article_id)
            .join(t.story_article, t.story_article.c.article_id == t.dropped_article.c.article_id)
            .join(
                t.review_act,
                and_(
                    t.review_act.c.edition_id == t.dropped_article.c.edition_id,
                    t.review_act.c.story_id == t.story_article.c.story_id,
                    t.review_act.c.act == "drop",
                ),
            )
            .group_by(*t.dropped_article.c, t.article.c.title)
        ).all()
        for row in late:
            for one, (digest, edition) in self._editions.items():
                is_later = digest == NAME and edition.frozen_at > row[-1] + _CLOCKS
                bad = numbers_of([row.title]) & frozen.get(one, set())
                if is_later and bad:
                    yield f"{bad}, taken out at {row[-1]}, is in edition {one} frozen later"

    def _stories(self, connection: Connection, table: Any) -> Mapping[int, set[str]]:
        found: defaultdict[int, set[str]] = defaultdict(set)
        for row in connection.execute(select(table.c.edition_id, table.c.view)):
            found[row.edition_id] |= numbers_of([str(row.view.get("title", ""))])
        return found

    def _pairs(self, connection: Connection, query: Select[Any]) -> set[tuple[str, str]]:
        return {
            (address, number)
            for address, title in connection.execute(query)
            for number in numbers_of([title])
        }


@cache
def _shown(mail: bytes) -> set[str]:
    return shown_by(text(mail))


@cache
def _message_id(mail: bytes) -> str:
    return str(message_from_bytes(mail)["Message-ID"]).strip("<>")


def table(rows: Iterable[tuple[str, object]]) -> str:
    return "\n".join(f"{name:<28} {value}" for name, value in rows)
