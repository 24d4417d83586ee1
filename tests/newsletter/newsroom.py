"""A newsroom under a simulated clock: stories come in, people change their minds, mail goes out.

Everything below the newsletter is real: the store, the queue, the outbox. `now` moves only when a
test moves it.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import Row, bindparam, exists, select, update

from service.config.schema import Settings
from service.mail.drain import drain
from service.model import UNSETTLED_STATES, DeliveryState
from service.newsletter.previews.preview import Preview, preview
from service.newsletter.run import Planned, plan_due, plan_welcomes
from service.newsletter.welcome import Welcomed
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store import tables as t
from service.store.core.database import Connection, Store
from service.store.mailing import claims, outcomes, uncertain_deliveries
from service.store.mailing.outcomes import DeliveryOutcome
from service.store.sources import registry
from tests import builders

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
"""Monday 23 November 2026, 07:00 in Viet Nam: a weekly cut."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)

TOPICS = ("giao-duc", "y-te", "van-hoa")

# Hundreds of tests ask for these again and again: to build them takes longer than to answer.
_TOPICS = select(t.topic.c.name, t.topic.c.id)
_DIGEST = select(t.digest.c.id).where(t.digest.c.name == bindparam("asked"))
_SUBSCRIPTION = select(t.subscription).where(t.subscription.c.id == bindparam("asked"))
_UNSETTLED = select(exists().where(t.delivery.c.state.in_(sorted(UNSETTLED_STATES))))
_MAILS = (
    select(t.delivery.c.id, t.article.c.title)
    .join(t.told, t.told.c.delivery_id == t.delivery.c.id)
    .join(t.article, t.article.c.id == t.told.c.article_id)
    .join(t.subscription, t.subscription.c.id == t.delivery.c.subscription_id)
    .join(t.subscriber, t.subscriber.c.id == t.subscription.c.subscriber_id)
    .where(t.subscriber.c.address == bindparam("to"), t.told.c.shown)
    .order_by(t.delivery.c.id, t.article.c.id)
)


def configuration(digests: dict[str, dict[str, Any]], **sections: Any) -> dict[str, Any]:
    """A TOML as Python reads it."""
    site = {
        "title": "Tin Khoa giáo",
        "base_url": "https://tin.example.vn",
        "language": "vi",
        "timezone": "Asia/Ho_Chi_Minh",
    }
    return {
        "site": site,
        "topic": {"giao-duc": {"title": "Giáo dục"}, "y-te": {"title": "Y tế"},
                  "van-hoa": {"title": "Văn hóa"}},
        "digest": digests,
        "mail": {"from": "Tin Khoa giáo <tin@example.vn>"},
        **sections,
    }  # fmt: skip


class Newsroom:
    """One site and its readers."""

    def __init__(
        self,
        store: Store,
        root: Path,
        digests: dict[str, dict[str, Any]] | None = None,
        now: datetime = MONDAY - 3 * DAY,
        **sections: Any,
    ) -> None:
        self.store, self.root, self.now = store, root, now
        self.written = configuration(digests or {"tuan": {"cadence": "weekly"}}, **sections)
        self._sources: dict[str, int] = {}
        self._writing: Connection | None = None
        self.load()

    def load(self, **changes: Any) -> None:
        """Read the TOML, changed where said, as `up` and `reload` do."""
        self.written = {**self.written, **changes}
        self.settings = Settings.model_validate(self.written)
        self.settings._root = self.root
        templates = self.root / "templates"
        self.renderer = Renderer(
            site_view(self.settings), templates if templates.is_dir() else None
        )
        with self.store.write() as connection:
            registry.register(connection, self.settings, self.now, retire=True)

    # -- news ---------------------------------------------------------------------------------

    def story(
        self,
        title: str,
        *topics: str,
        at: datetime | None = None,
        source: str = "bao-a",
        story: int | None = None,
        quiet: bool = False,
        lead: str | None = None,
        **values: Any,
    ) -> tuple[int, int]:
        """An article that enters topics now, or `at`. Returns (story, article)."""
        entered = at or self.now
        with self._write() as connection:
            if source not in self._sources:
                self._sources[source] = builders.add_source(connection, entered, source, **values)
            ids = {row.name: row.id for row in connection.execute(_TOPICS)}
            made = builders.add_story(
                connection,
                source=self._sources[source],
                topics=[ids[name] for name in topics or ("giao-duc",)],
                entered_at=entered,
                title=title,
                quiet=quiet,
                story=story,
            )
            if lead is not None:
                changing = update(t.article).where(t.article.c.id == made[1])
                connection.execute(changing.values(lead=lead))
            return made

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """The stories of this block come in together: a commit for each takes longer."""
        with self.store.write() as self._writing:
            yield
        self._writing = None

    def _write(self) -> AbstractContextManager[Connection]:
        return self.store.write() if self._writing is None else nullcontext(self._writing)

    # -- people -------------------------------------------------------------------------------

    def subscribe(
        self,
        address: str = "minh@example.vn",
        digest: str = "tuan",
        *,
        begins: datetime | None = None,
        **values: Any,
    ) -> int:
        """Confirmed now, or when it `begins`."""
        written = self.settings.digest[digest]
        with self.store.write() as connection:
            digest_id = connection.execute(_DIGEST, {"asked": digest}).scalar_one()
            return builders.add_subscription(
                connection,
                digest=digest_id,
                starts_at=begins or self.now,
                address=address,
                **{"cadence": written.cadence, **values},
            )

    def change(self, subscription: int, **values: Any) -> None:
        """As the preferences page leaves a subscription."""
        with self.store.write() as connection:
            connection.execute(
                update(t.subscription).where(t.subscription.c.id == subscription).values(**values)
            )

    def row(self, subscription: int) -> Row[Any]:
        with self.store.read() as connection:
            return connection.execute(_SUBSCRIPTION, {"asked": subscription}).one()

    # -- time and mail ------------------------------------------------------------------------

    def plan(
        self, now: datetime | None = None, *, at: datetime | None = None, digest: str | None = None
    ) -> Planned:
        """Turn the clock to `now` and plan what is due."""
        self.now = now or self.now
        return plan_due(self.store, self.settings, self.renderer, self.now, at=at, digest=digest)

    def welcome(self, now: datetime | None = None, only: str | None = None) -> Welcomed:
        self.now = now or self.now
        return plan_welcomes(self.store, self.settings, self.renderer, self.now, only)

    def preview(self, digest: str = "tuan", **options: Any) -> Preview:
        return preview(self.store, self.settings, self.renderer, self.now, digest, **options)

    def send(self) -> None:
        """Hand everything over, to the outbox. Where there is nothing, no run begins."""
        with self.store.read() as connection:
            if not connection.scalar(_UNSETTLED):
                return
        asyncio.run(drain(self.store, self.settings, lambda: self.now, owner="newsroom"))

    def run(self, now: datetime | None = None, **options: Any) -> Planned:
        planned = self.plan(now, **options)
        self.send()
        return planned

    def accept(self) -> None:
        """What `send` leaves in the store, without making the mails: for runs over weeks."""
        self._settle(DeliveryState.ACCEPTED)

    def refuse(self, until: datetime) -> None:
        """The relay is down: everything waits."""
        self._settle(DeliveryState.DEFERRED, next_try_at=until)

    def lose(self, most: int) -> None:
        """The relay's last answer to so many is lost: they are uncertain."""
        self._settle(DeliveryState.UNCERTAIN, most=most)

    def held(self) -> list[int]:
        """The deliveries that wait for somebody to settle them."""
        with self.store.read() as connection:
            return [one.id for one in uncertain_deliveries.unsettled(connection)]

    def settle(self, how: str, ids: list[int]) -> None:
        """What `bantin deliveries` does: resend, drop, or "untold" (drop --untold)."""
        with self.store.ledger() as connection:
            if how == "resend":
                uncertain_deliveries.resend(connection, ids, self.now)
            else:
                uncertain_deliveries.drop(connection, ids, self.now, untold=how == "untold")

    def _settle(
        self, state: DeliveryState, next_try_at: datetime | None = None, most: int | None = None
    ) -> None:
        while True:
            with self.store.ledger() as connection:
                claim = claims.claim(connection, "newsroom", self.now, most or 500)
                if claim.empty:
                    return
                ids = {one.id: "relay" for one in claim.claimed}
                gate = claims.mark_sending(connection, "newsroom", self.now, ids)
                outcomes.settle(
                    connection, "newsroom", self.now,
                    [DeliveryOutcome(one, state, "relay", "…", next_try_at) for one in gate.passed],
                )  # fmt: skip
            if most is not None:
                return

    # -- looking ------------------------------------------------------------------------------

    def outbox(self, address: str | None = None) -> list[EmailMessage]:
        """The mails that have been sent, oldest edition first."""
        found = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in (self.root / "var" / "outbox" / "new").glob("*")
        ]
        mails = [one for one in found if address in (None, one["To"])]
        return sorted(mails, key=lambda one: (one["Date"].datetime, one["Message-ID"]))

    def titles(self, address: str = "minh@example.vn") -> list[str]:
        """The headlines in each mail to this address, in the order in which they were told."""
        return [title for mail in self.mails(address) for title in mail]

    def mails(self, address: str = "minh@example.vn") -> list[list[str]]:
        """Headlines that each mail shows, from the ledger's rows of what was not taken back."""
        with self.store.read() as connection:
            rows = connection.execute(_MAILS, {"to": address})
            found: dict[int, list[str]] = {}
            for delivery, title in rows:
                found.setdefault(delivery, []).append(title)
        return list(found.values())

    def counted(self) -> list[str]:
        """Headlines that are only counted in "N more online"."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(t.article.c.title)
                .join(t.told, t.told.c.article_id == t.article.c.id)
                .where(~t.told.c.shown)
                .order_by(t.article.c.id)
            )
            return list(rows.scalars())

    def states(self) -> dict[str, int]:
        with self.store.read() as connection:
            return Counter(connection.execute(select(t.delivery.c.state)).scalars())

    def editions(self) -> list[Row[Any]]:
        with self.store.read() as connection:
            return list(connection.execute(select(t.edition).order_by(t.edition.c.id)).all())

    def everything(self) -> dict[str, list[Any]]:
        """All rows of all tables, to see that nothing was written."""
        with self.store.read() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table)).all()))
                for table in t.metadata.sorted_tables
            }
