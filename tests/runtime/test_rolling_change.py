"""Two processes on one database while rules change on one of them, in every order.

Whatever the order, articles stand in the topics in which a single process with the new rules would
have put them, as news or quietly, and at no instant in others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select, update

from service.config.loading import load as load_toml
from service.curate.admit import AdmitSource, admit
from service.curate.rules.matcher import compile_rules
from service.model import Document
from service.runtime import pipeline
from service.runtime.composition import open_service
from service.runtime.configuration import in_use
from service.runtime.roles import Role, myself
from service.runtime.vitals import Vitals
from service.store import tables as t
from service.store.content import merges
from service.store.core import processes
from service.store.core.database import Store
from service.store.sources import configurations
from tests.curate.desk import entry
from tests.levels import each, sample

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

SITE = """
[site]
title = "Tin"
[store]
url = "{url}"
[source.a]
url = "https://a.vn/rss"
[topic.y-te]
any = ["bệnh viện"]
[topic.giao-duc]
any = ["{word}"]
{more}
"""
OLD = {
    "word": "giáo dục",
    "more": '[topic.cu]\nany = ["tin"]\n[source.b]\nurl = "https://b.vn/rss"\n',
}
NEW = {"word": "học sinh", "more": '[topic.troi]\nany = ["thời tiết"]\n'}

TITLES = {
    "1": "Tin học sinh",
    "2": "Tin giáo dục",
    "3": "Tin thời tiết",
    "4": "Tin bệnh viện",
    "5": "Tin học sinh giáo dục thời tiết bệnh viện",
}


class Site:
    """One database, and processes that are started on it with one configuration or the other."""

    def __init__(self, folder, url):
        self.folder, self.url, self.now = folder, url, START
        self.services = []
        self.living = {}

    def write(self, name, toml):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "bantin.toml").write_text(SITE.format(url=self.url, **toml), encoding="utf-8")
        return folder / "bantin.toml"

    def start(self, name, toml, role=Role.ALL):
        """`up` of one of many: it takes its configuration and shows itself."""
        config = self.write(name, toml)
        service = open_service(config, {}, lambda: self.now, retire=True, place=(name, name))
        self.services.append(service)
        self.living[name] = service, replace(myself(service, role, name), machine=name)
        self.passes(timedelta(seconds=1))
        return service

    def passes(self, time):
        """Each process that lives shows itself."""
        self.now += time
        for service, one in self.living.values():
            hash_ = service.configuration.hash
            with service.store.write() as connection:
                shown = replace(one, seen_at=self.now, configuration_hash=hash_)
                processes.show(connection, shown)

    def reload(self, service, name, toml):
        loaded = load_toml(self.write(name, toml), {})
        service.take(loaded, retire=True, reloaded=True)

    def close(self):
        for service in self.services:
            service.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def open_site(request, tmp_path, sqlite_pattern):
    """Makes sites, each on a database of its own or on one that was emptied."""
    sites = []

    def opened():
        folder = tmp_path / str(len(sites))
        folder.mkdir()
        if request.param == "sqlite":
            path = folder / "bantin.db"
            path.write_bytes(sqlite_pattern.read_bytes())
            url = f"sqlite:///{path}"
        else:
            url = request.getfixturevalue("postgres_database")
            empty(url)
        sites.append(Site(folder, url))
        return sites[-1]

    yield opened
    for site in sites:
        site.close()


def empty(url):

    store = Store(url)
    with store.write() as connection:
        for table in reversed(t.metadata.sorted_tables):
            if table.name == "story":
                connection.execute(update(t.article).values(merged_into=None))
            connection.execute(table.delete())
    store.close()


def matcher_of(service):
    """As a pass makes it when it begins."""
    return compile_rules(service.settings.topic, service.model(), service.rules())


def tells(service, key, *, news=True, matcher=None):
    """Source a tells it; a process admits it by its own rules, as a pass does."""
    matcher = matcher or matcher_of(service)
    with service.store.write() as connection:
        row = connection.scalar(select(t.source.c.id).where(t.source.c.name == "a"))
        source = AdmitSource(
            id=row, name="a", title="A", weight=1, language="vi", topics=(),
            first_collection=not news, first_fetch_at=service.clock(),
        )  # fmt: skip
        document = Document("", None, "vi", (entry(key, f"https://a.vn/{key}", TITLES[key]),))
        admit(connection, source, document, service.clock(), matcher)


async def keeps_house(service):
    await pipeline.match_again(service)
    await pipeline.keep_house(service)
    await pipeline.place(service)


def standing(service):
    """Title, topic -> whether it is quiet there, of topics that are in use."""
    query = (
        select(t.article.c.title, t.topic.c.name, t.article_topic.c.quiet)
        .select_from(t.article_topic)
        .join(t.article, t.article.c.id == t.article_topic.c.article_id)
        .join(t.topic, t.topic.c.id == t.article_topic.c.topic_id)
        .where(t.topic.c.retired_at.is_(None))
    )
    with service.store.read() as connection:
        return {(title, topic): quiet for title, topic, quiet in connection.execute(query)}


def in_use_now(service):
    """The sources and topics that are not retired."""
    with service.store.read() as connection:
        return {
            table.name: set(
                connection.scalars(select(table.c.name).where(table.c.retired_at.is_(None)))
            )
            for table in (t.source, t.topic)
        }


STEPS = ("the old one collects", "it keeps house", "new rules", "it starts again", "the new house")
ORDERS = sample(
    (
        order
        for order in permutations(STEPS)
        if order.index("new rules") < order.index("the new house")
    ),
    one_in=28,
)


async def walk(site, order, *, alone):
    """What stands where at the end. `alone`: one process does all of it, with the rules of then."""
    old = site.start("old", OLD)
    tells(old, "4")
    new = None
    for step in order:
        site.passes(MINUTE)
        if step == "the old one collects":
            for key in ("1", "2", "3", "5"):
                tells(old, key)
        elif step == "it keeps house":
            await keeps_house(old)
        elif step == "new rules" and alone:
            site.reload(old, "old", NEW)
            new = old
        elif step == "new rules":
            new = site.start("new", NEW)
        elif step == "it starts again" and not alone:
            old = site.start("old", OLD)
        elif step == "the new house":
            await keeps_house(new)
        if new is not None and not alone:
            assert in_use_now(new) == {"source": {"a"}, "topic": {"y-te", "giao-duc", "troi"}}
    await keeps_house(old)
    await keeps_house(new)
    return standing(new)


@pytest.mark.both_engines
@pytest.mark.sampled
async def test_whatever_the_order_it_ends_as_with_one_process(open_site, request):
    engine = request.node.callspec.params["open_site"]
    for order in ORDERS if engine == "sqlite" else each(ORDERS, engine):
        wanted = await walk(open_site(), order, alone=True)
        assert len(wanted) == 6, order
        assert await walk(open_site(), order, alone=False) == wanted, order


async def test_what_the_old_rules_admit_stands_in_no_topic_by_them(open_site):
    """Not for an instant: a mail could go out in it."""
    site = open_site()
    old, new = site.start("old", OLD), site.start("new", NEW)
    tells(old, "2")
    tells(old, "5")
    assert standing(old) == {(TITLES["5"], "y-te"): False}
    site.passes(MINUTE)
    await keeps_house(new)
    assert standing(old) == {(TITLES["5"], topic): False for topic in ("y-te", "giao-duc", "troi")}


async def test_news_stays_news_when_stored_articles_are_matched_before_it_is_placed(open_site):
    """What a changed rule adds is quiet; what came after the change is none of that."""
    site = open_site()
    old = site.start("old", OLD)
    tells(old, "1", news=False)
    new = site.start("new", NEW)
    tells(old, "3")
    await pipeline.match_again(new)
    await pipeline.place(new)
    assert standing(new) == {(TITLES["1"], "giao-duc"): True, (TITLES["3"], "troi"): False}


async def test_what_was_merged_meanwhile_is_placed_as_what_it_became(open_site):
    site = open_site()
    old, new = site.start("old", OLD), site.start("new", NEW)
    tells(new, "4")
    tells(old, "3")
    with new.store.read() as connection:
        winner, loser = connection.scalars(select(t.article.c.id).order_by(t.article.c.id)).all()

    with new.store.write() as connection:
        merges.merge(connection, winner, loser)
    await pipeline.place(new)
    with new.store.read() as connection:
        assert connection.execute(select(t.unplaced_article)).all() == []
    assert standing(new) == {(TITLES["4"], "y-te"): False}


async def test_a_pass_of_the_rules_before_a_reload_leaves_to_those_after_it(open_site):
    """In one process: a pass goes on by the rules that it began with."""
    site = open_site()
    service = site.start("old", OLD)
    matcher = matcher_of(service)
    site.reload(service, "old", NEW)
    await pipeline.match_again(service)
    tells(service, "5", matcher=matcher)
    await pipeline.place(service)
    assert standing(service) == {
        (TITLES["5"], topic): False for topic in ("y-te", "giao-duc", "troi")
    }


async def test_an_older_configuration_is_told_and_changes_nothing_until_it_is_reloaded(open_site):
    site = open_site()
    old = site.start("old", OLD)
    site.passes(MINUTE)
    new = site.start("new", NEW)
    again = site.start("old", OLD)
    for one in (old, again):
        assert one.replaced_by().since == START + MINUTE + timedelta(seconds=1)
        vitals = Vitals(one)
        vitals._probe()
        assert [found.key for found in vitals.troubles() if not found.stops] == ["configuration"]
    assert new.replaced_by() is None
    assert "troi" in in_use_now(new)["topic"]
    site.reload(old, "old", OLD)  # a person says so: the new one is taken back
    assert (old.replaced_by(), again.replaced_by()) == (None, None)
    assert new.replaced_by() is not None
    assert in_use_now(new) == {"source": {"a", "b"}, "topic": {"y-te", "giao-duc", "cu"}}
    tells(new, "3")
    tells(new, "2")
    await keeps_house(old)
    assert standing(old) == {
        (TITLES["3"], "cu"): False, (TITLES["2"], "cu"): False, (TITLES["2"], "giao-duc"): False,
    }  # fmt: skip


async def test_a_roll_back_machine_by_machine_is_in_force_with_the_last_one(open_site):
    """Nobody is left then who works with what was in force."""
    site = open_site()
    site.start("one", OLD)
    services = {name: site.start(name, NEW) for name in ("one", "two")}
    first = site.start("one", OLD)
    assert first.replaced_by() is not None
    last = site.start("two", OLD)
    assert (first.replaced_by(), last.replaced_by()) == (None, None)
    assert services["two"].replaced_by() is not None
    assert "cu" in in_use_now(last)["topic"]


async def test_where_the_newer_one_has_died_the_older_one_starts_as_the_one_in_use(open_site):
    site = open_site()
    site.start("old", OLD)
    site.start("new", NEW)
    del site.living["new"]
    site.passes(processes.GONE_AFTER + MINUTE)
    assert site.start("old", OLD).replaced_by() is None


async def test_the_same_configuration_on_two_machines_is_one(open_site):
    site = open_site()
    first = site.start("one", NEW)
    second = site.start("two", {**NEW, "more": NEW["more"] + '[web]\nlisten = "0.0.0.0:9"\n'})
    assert (first.replaced_by(), second.replaced_by()) == (None, None)
    with first.store.read() as connection:
        assert configurations.in_force(connection).generation == 1


async def test_who_has_an_older_configuration_plans_nothing_beside_one_that_has_it(open_site):
    """Each would set the cuts of everybody by its own cadences."""
    site = open_site()
    old = site.start("old", OLD, Role.MAIL)
    assert not old.is_relieved(pipeline.PLANS)
    web = site.start("web", NEW, Role.WEB)
    assert not old.is_relieved(pipeline.PLANS)  # nobody else plans
    site.start("new", NEW, Role.MAIL)
    assert old.is_relieved(pipeline.PLANS)
    assert not web.is_relieved(pipeline.PLANS)


def test_a_hash_tells_order_and_rules_and_nothing_of_the_machine(tmp_path):
    def hash_of(more):
        toml = SITE.format(url="sqlite:///x.db", word="a", more=more)
        (tmp_path / "bantin.toml").write_text(toml, encoding="utf-8")
        return in_use(load_toml(tmp_path / "bantin.toml", {}).settings, None).hash

    digests = '[digest.x]\ntitle = "X"\n', '[digest.y]\ntitle = "Y"\n'
    mail = '[mail]\nfrom = "a@b.example"\n'
    both = hash_of(mail + "".join(digests))
    assert hash_of(mail + "".join(reversed(digests))) != both
    assert hash_of('[log]\nlevel = "debug"\n' + mail + "".join(digests)) == both
    assert hash_of(mail + digests[0]) != both
