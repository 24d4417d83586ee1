"""A page that is kept is the page that would be made now, whatever has happened meanwhile.

Two applications on one store: one keeps what it has made, the other makes everything anew. After
each of many random events every public address must say the same in both.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.config.schema import Settings
from service.curate.rematch import rematch
from service.newsletter.run import plan_due
from service.publish.build import publish
from service.render.addresses import edition_page
from service.store import tables as t
from service.store.content import page_queries
from service.store.core.database import Store
from service.store.sources import registry
from tests.curate.desk import Desk, entry
from tests.levels import each
from tests.web import people
from tests.web.conftest import Web

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TITLES = ("Học sinh nghỉ học", "Bệnh viện mới", "Bóng đá", "Học sinh và bệnh viện")


def configuration(topics: dict[str, dict[str, object]], digest: str = "Điểm tin") -> Settings:
    return Settings.model_validate(
        {
            "site": {"title": "Tin", "language": "vi", "timezone": "UTC"},
            "source": {
                "a": {"url": "https://a.vn/rss", "title": "Báo A"},
                "b": {"url": "https://b.vn/rss", "title": "Báo B"},
            },
            "topic": topics,
            "digest": {"ngay": {"title": digest, "cadence": "daily", "at": "00:00"}},
        }
    )


SCHOOL, HEALTH = {"any": ["học sinh"]}, {"any": ["bệnh viện"]}
CONFIGURATIONS = (
    configuration({"giao-duc": SCHOOL, "y-te": HEALTH}),
    configuration({"giao-duc": {**SCHOOL, "title": "Trường học"}, "y-te": HEALTH}),
    configuration({"giao-duc": SCHOOL}),
    configuration({"giao-duc": HEALTH, "y-te": SCHOOL}),
    configuration({"giao-duc": SCHOOL, "y-te": HEALTH}, digest="Mỗi ngày"),
    configuration({"truong": {**SCHOOL, "was": "giao-duc"}, "y-te": HEALTH}),
)

ENTRIES = st.builds(
    entry,
    key=st.sampled_from("123"),
    link=st.sampled_from([f"https://x.vn/{n}" for n in range(4)]),
    title=st.sampled_from(TITLES),
    summary=st.sampled_from(["", "<p>Sapo</p>", "<p>Sapo khác</p>"]),
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("says"), st.sampled_from("ab"), st.lists(ENTRIES, max_size=3)),
        st.tuples(st.just("reload"), st.sampled_from(CONFIGURATIONS)),
        st.tuples(st.just("elsewhere"), st.sampled_from(CONFIGURATIONS)),
        st.tuples(st.just("publish")),
        st.tuples(st.just("freeze")),
    ),
    min_size=2,
    max_size=6,
)


class Site:
    """The store with both applications."""

    def __init__(self, store: Store, portal: BlockingPortal) -> None:
        self.store = store
        self.desk = Desk(store, NOW, CONFIGURATIONS[0])
        self.keeping = Web(store, CONFIGURATIONS[0], portal=portal)
        self.anew = Web(store, CONFIGURATIONS[0], portal=portal)
        self.pages = self.keeping.app.state.context.pages
        self.anew.app.state.context.pages.most_bytes = 0

    def happens(self, what: str, *told: object) -> None:
        now = self.desk.now = self.desk.now + timedelta(hours=7)
        current = self.keeping.settings
        if what == "says":
            name, entries = told
            self.desk.says(name, *entries)
        elif what in ("reload", "elsewhere"):
            (wanted,) = told
            with self.store.write() as connection:
                registry.register(connection, wanted, now, retire=True)
            rematch(self.store, wanted, now)
            if what == "elsewhere":
                return  # another process has it, these two know nothing of it
            for web in (self.keeping, self.anew):
                web.settings = wanted
        elif what == "publish":
            publish(self.store, current, self.keeping.renderer, now)
        else:
            plan_due(self.store, current, self.keeping.renderer, now)

    def addresses(self) -> list[str]:
        with self.store.read() as connection:
            names = list(connection.execute(select(t.topic.c.name)).scalars())
            stories = list(connection.execute(select(t.story.c.public_id)).scalars())
            found = page_queries.editions(connection, listed=False)
        topics = {*names, "giao-duc", "y-te"}
        return [
            "/", "/topics.opml", "/digests/ngay/", "/robots.txt", "/assets/site.css",
            *(f"/topics/{name}/" for name in sorted(topics)),
            *(f"/feeds/{name}.{kind}" for name in sorted({*topics, "all"})
              for kind in each(KINDS, name)),
            *(f"/stories/{one}/" for one in stories),
            *(edition_page(e.digest, e.cut_at, e.cadence, listed=e.listed) for e in found),
        ]  # fmt: skip

    def compare(self) -> None:
        for path in self.addresses():
            kept, made = (web.client.get(path) for web in (self.keeping, self.anew))
            assert kept.status_code == made.status_code, path
            assert kept.headers == made.headers, path
            assert kept.content == made.content, path

    def asked_again(self) -> int:
        """How many pages had to be made when nothing had happened."""
        before = self.pages.made
        for path in self.addresses():
            self.keeping.client.get(path)
        return self.pages.made - before


KINDS = ("atom", "rss", "json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def portal():
    """To the event loop that answers all of these many requests."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.mark.soak
@given(events=EVENTS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
def test_after_anything_that_happens(folder, sqlite_pattern, portal, events):
    for old in folder.iterdir():
        old.unlink()
    shutil.copy(sqlite_pattern, folder / "site.db")
    store = Store(f"sqlite:///{folder / 'site.db'}")
    try:
        site = Site(store, portal)
        site.compare()
        for event in events:
            site.happens(*event)
            site.compare()
        assert site.asked_again() == 0
    finally:
        store.close()


def test_a_whole_day(any_store, portal):
    """A fixed one of these, which sees everything once: edits, merges, editions, another name."""
    site = Site(any_store, portal)
    told = [
        ("says", "a", [entry("1", "https://x.vn/1", TITLES[0])]),
        ("publish",),
        ("says", "a", [entry("1", "https://x.vn/1", TITLES[1])]),
        ("says", "b", [entry("1", "https://x.vn/2", TITLES[3])]),
        ("freeze",),
        ("says", "b", [entry("1", "https://x.vn/1", TITLES[3])]),
        ("publish",),
        ("freeze",),
        ("elsewhere", CONFIGURATIONS[1]),
        ("elsewhere", CONFIGURATIONS[4]),
        ("elsewhere", CONFIGURATIONS[0]),
        ("elsewhere", CONFIGURATIONS[3]),
        ("reload", CONFIGURATIONS[5]),
        ("publish",),
        ("freeze",),
        ("reload", CONFIGURATIONS[2]),
    ]
    for event in told:
        site.happens(*event)
        site.compare()
    assert len([path for path in site.addresses() if path.startswith("/editions/")]) > 0
    assert site.asked_again() == 0


def test_what_readers_do_makes_no_page_anew(any_store, portal):
    site = Site(any_store, portal)
    site.happens("says", "a", [entry()])
    site.compare()
    before = site.pages.made
    token = people.subscribe(site.keeping, digest="ngay", cadence="daily").token
    assert site.keeping.client.post(f"/unsubscribe/{token}", data={"do": "all"}).is_success
    site.compare()
    assert site.pages.made == before
