"""The hot ways of the service, each walked once on a loaded store: jobs, plans, pages, reports."""

from __future__ import annotations

import asyncio
import re
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from prometheus_client import generate_latest
from sqlalchemy import event, select, update
from starlette.testclient import TestClient

from service.audience import forgetting
from service.audience.unsubscribe import unsubscribe
from service.collect.politeness.rate_limit import Sites
from service.collect.polling import poll
from service.collect.workers.pool import Parsers
from service.mail.outbox import Outbox
from service.model import EndedReason
from service.newsletter.run import plan_due
from service.report.health import Health, health
from service.runtime import pipeline
from service.runtime.composition import Service
from service.runtime.monitoring.families import registry
from service.runtime.monitoring.rows import RowsReader
from service.runtime.vitals import Vitals
from service.store import tables as t
from service.store.core.database import Store
from service.web.admin import admin_key
from service.web.app import create_app
from service.web.limiter import Limiter
from tests.bench.scale_fill import DUE, NOW, Size, reader
from tests.bench.scale_plans import Plans
from tests.bench.scale_site import client
from tests.mail.relays import Sink

Way = Callable[[], Any]


class Cost:
    """What a piece of work asks of PostgreSQL: statements, rows sent with them, bytes of log."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.statements = self.rows = self.wal = 0
        self.seconds = 0.0

    def _note(
        self, _connection: Any, _cursor: Any, _statement: str, parameters: Any, _context: Any,
        executemany: bool,
    ) -> None:  # fmt: skip
        self.statements += 1
        self.rows += len(parameters) if executemany else 1

    def _log(self) -> int:
        with self._store.read() as connection:
            at = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint"
            return int(connection.exec_driver_sql(at).scalar() or 0)

    def __enter__(self) -> Self:
        self._begun, self._before = time.perf_counter(), self._log()
        event.listen(self._store.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._store.engine, "before_cursor_execute", self._note)
        self.seconds = time.perf_counter() - self._begun
        self.wal = self._log() - self._before

    def each(self, number: int) -> str:
        """In words, for each of so many."""
        number = max(number, 1)
        return (
            f"{self.seconds:.1f} s, {1e6 * self.seconds / number:.0f} µs each,"
            f" {self.statements / number:.2f} statements, {self.rows / number:.1f} rows and"
            f" {self.wal / number:.0f} B of log each"
        )


@dataclass
class Walk:
    """A loaded store with the program on it."""

    service: Service
    size: Size
    plans: Plans
    port: int

    @property
    def store(self) -> Store:
        return self.service.store

    def walk(self, name: str, way: Way) -> Any:
        """Do it and explain each of its statements. What fails is told, and the walk goes on."""
        try:
            with self.plans.of(self.store, name):
                made = way()
                done = asyncio.run(made) if asyncio.iscoroutine(made) else made
        except Exception as error:  # noqa: BLE001 - one way stops no other
            print(f"{name}: {type(error).__name__}: {error}"[:500], flush=True)
            return None
        print(f"{self.plans.seconds[name]:8.2f} s  {name}", flush=True)
        return done

    def due_again(self) -> None:
        """The same DUE sources are due as in the beginning, and free; nothing else."""
        part = f"(source_id * 7919) %% {self.size.sources} < {DUE}"
        free = "lease_owner = NULL, lease_until = NULL"
        with self.store.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE source_poll SET next_poll_at = %s, {free} WHERE {part}",
                (NOW - timedelta(minutes=1),),
            )
            connection.exec_driver_sql(
                f"UPDATE source_poll SET next_poll_at = next_poll_at + interval '1 day', {free}"
                f" WHERE NOT {part} AND next_poll_at < %s",
                (NOW + timedelta(hours=12),),
            )

    async def tick(self, parsers: Parsers) -> poll.Collected:
        """A pass over what is due."""
        async with client(self.service) as own:
            return await poll.collect(
                self.store, self.service.settings, self.service.clock, owner="scale",
                client=own, parsers=parsers, sites=Sites(),
            )  # fmt: skip

    def jobs(self) -> None:
        """Each periodic job looks for work: most find little."""
        service = self.service
        sites = Sites()

        async def one(step: Callable[[Parsers], Any]) -> Any:
            async with Parsers(1) as parsers:
                return await step(parsers)

        self.walk("job clock", lambda: pipeline.repair_instants(service))
        self.walk("job references", lambda: pipeline.read_references(service))
        self.walk("job search", lambda: pipeline.index_articles(service))
        self.walk(
            "job delivered",
            lambda: one(lambda parsers: pipeline.take_delivered(service, parsers=parsers)),
        )
        self.walk("job websub", lambda: pipeline.subscribe(service, sites=sites))
        self.walk(
            "job seek",
            lambda: one(lambda parsers: pipeline.seek(service, parsers=parsers, sites=sites)),
        )
        self.walk("job publish, nothing new", lambda: pipeline.publish_stale(service))
        self.walk("job digests, nothing due, first", self._plan_nothing)
        self.walk("job digests, nothing due", self._plan_nothing)
        self.walk("job mail, nothing planned", lambda: pipeline.send(service))
        self.walk("job house", lambda: pipeline.keep_house(service))
        self.walk("job house, rules", lambda: pipeline.match_again(service))

    def _plan_nothing(self) -> None:
        """Before the cut of NOW."""
        service, before = self.service, self.service.clock() - timedelta(minutes=20)
        plan_due(self.store, service.settings, service.renderer, before, check=service.cuts)

    def collect(self) -> None:
        """A tick of DUE sources."""

        async def tick() -> Any:
            async with Parsers(1) as parsers:
                return await self.tick(parsers)

        self.due_again()
        print(self.walk("tick", tick))
        self.walk("job judge and publish", lambda: pipeline.publish_stale(self.service))
        self.walk("job search, some new", lambda: pipeline.index_articles(self.service))

    def plan(self, digest: str) -> tuple[int, float]:
        """Plan what is due of a digest, without looking at plans. (Mails, seconds)."""
        service = self.service
        with Cost(self.store) as cost:
            done = plan_due(
                self.store, service.settings, service.renderer, service.clock(), digest=digest
            )
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{digest}: {done.deliveries} mails in {cost.each(done.deliveries)},"
              f" most memory {most:.0f} MB {done.failed or ''}", flush=True)  # fmt: skip
        return done.deliveries, cost.seconds

    def send(self, port: int) -> None:
        """Send what is planned to a relay on this machine that takes all."""

        async def run() -> Any:
            sink = Sink()
            await sink.start(port)
            try:
                return await pipeline.send(self.service)
            finally:
                await sink.stop()

        with Cost(self.store) as cost:
            done = asyncio.run(run())
        print(dict(done.counts), cost.each(sum(done.counts.values())), flush=True)

    def pages(self) -> None:
        """What visitors, readers and admins ask for."""
        web = self._browser()
        with self.store.read() as connection:
            story = connection.scalar(
                select(t.story.c.public_id).where(t.story.c.id == self.size.articles - 4)
            )
            article = connection.scalar(
                select(t.article.c.public_id).where(t.article.c.id == self.size.articles - 4)
            )
            title = connection.scalar(
                select(t.article.c.title).where(t.article.c.id == self.size.articles - 4)
            )
        words = (title or "").split()
        asked = {
            "front page": "/",
            "topic page, large": "/topics/t1/",
            "topic page, small": "/topics/t50/",
            "feed": "/feeds/t1.atom",
            "feed of all": "/feeds/all.atom",
            "hot": "/feeds/hot.atom",
            "story page": f"/stories/{story}/",
            "archive of a digest": "/digests/ngay/",
            "edition": "/editions/ngay/2026-11-29/",
            "OPML": "/topics.opml",
            "search, one word": f"/search?q={words[0]}",
            "search, two words": f"/search?q={words[0]}+{words[1]}",
            "search, phrase": f"/search?q=%22{words[0]}+{words[1]}%22",
            "search, in a topic": f"/search?q={words[0]}+topic:t1",
            "search, of a source": f"/search?q={words[-1]}+source:s7",
            "search, since": f"/search?q={words[0]}+since:7d",
            "references": "/references/38-ct-tw/",
            "sign-up page": "/subscribe/ngay",
            "readyz": "/readyz",
        }
        for name, path in asked.items():
            self.walk(f"page {name}", lambda path=path: _fine(web.get(path)))
        self.walk("sign-up, new", lambda: self._sign_up(web, "moi@m7.example"))
        self.walk("sign-up, known", lambda: self._sign_up(web, reader(7)))
        token = "SELECT token FROM subscription WHERE id = %s"
        with self.store.read() as connection:
            tokens = [connection.exec_driver_sql(token, (n,)).scalar() for n in (11, 12, 13)]
        self.walk("preferences", lambda: _fine(web.get(f"/preferences/{tokens[0]}")))
        self.walk("unsubscribe page", lambda: _fine(web.get(f"/unsubscribe/{tokens[1]}")))
        self.walk(
            "unsubscribe",
            lambda: unsubscribe(
                self.store, self.service.clock(), tokens[2] or "", EndedReason.ONE_CLICK
            ),
        )
        outbox = Outbox(self.service.settings.var / "outbox")
        self.walk(
            "forget",
            lambda: forgetting.forget(self.store, self.service.clock(), reader(14), outbox),
        )
        key = admin_key.ensure(self.service.settings.var)
        web.get(admin_key.link("", "/admin/", key, self.service.clock()))
        self.walk("admin: explained article", lambda: _fine(web.get(f"/admin/articles/{article}/")))
        self.walk("admin: overview, status", lambda: _fine(web.get("/admin/")))
        self.walk("metrics, first", self._scrape)
        self.walk("health", self._health)

    def _browser(self) -> TestClient:
        service = self.service
        app = create_app(
            self.store, lambda: service.settings, lambda: service.renderer, service.clock,
            lambda: Health(True, ()), Limiter(1000),
        )  # fmt: skip
        return TestClient(
            app, "https://tin.example.vn", headers={"Sec-Fetch-Site": "same-origin"},
            client=("127.0.0.1", 50000), follow_redirects=False,
        )  # fmt: skip

    def _sign_up(self, web: TestClient, address: str) -> Any:
        page = web.get("/subscribe/ngay").text
        token = re.search(r'name="token" value="([0-9a-f]{32})"', page)
        assert token is not None, page
        form = {"address": address, "topic": ["t1"], "cadence": "daily", "token": token[1]}
        return _fine(web.post("/subscribe/ngay", data=form))

    def _scrape(self) -> bytes:
        made = registry(
            self.service, Vitals(self.service), RowsReader(self.service, time.monotonic)
        )
        return generate_latest(made)

    def _health(self) -> Health:
        with self.store.read() as connection:
            return health(connection, self.service.clock())


def _fine(answer: Any) -> Any:
    if answer.status_code >= 400:
        print(f"  {answer.request.url}: {answer.status_code} {answer.text[:200]}")
    return answer


def forget_planned(store: Store, digest: str) -> None:
    """A digest's cut of NOW was never planned, so that it can be planned once more."""
    one = select(t.digest.c.id).where(t.digest.c.name == digest).scalar_subquery()
    cut = NOW.replace(minute=0)
    with store.ledger() as connection:
        edition = connection.scalar(
            select(t.edition.c.id).where(t.edition.c.digest_id == one, t.edition.c.cut_at == cut)
        )
        if edition is None:
            return
        mails = select(t.delivery.c.id).where(t.delivery.c.edition_id == edition)
        for table, column in ((t.told, t.told.c.delivery_id), (t.attempt, t.attempt.c.delivery_id)):
            connection.execute(table.delete().where(column.in_(mails)))
        connection.execute(t.delivery.delete().where(t.delivery.c.edition_id == edition))
        connection.execute(t.segment.delete().where(t.segment.c.edition_id == edition))
        connection.execute(t.edition_story.delete().where(t.edition_story.c.edition_id == edition))
        connection.execute(t.edition.delete().where(t.edition.c.id == edition))
        day = timedelta(days=1)
        connection.execute(
            update(t.subscription).where(t.subscription.c.digest_id == one)
            .values(next_cut_at=cut, covered_to=cut - day)
        )  # fmt: skip
