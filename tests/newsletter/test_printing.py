"""Processes that render mails of an edition for whoever plans it: the same mails, or none."""

from __future__ import annotations

import asyncio
import itertools
import shutil

import pytest
from sqlalchemy import select

from service.collect.workers.pool import Parsers
from service.errors import QuarantinedError, TemplateError
from service.model import DeliveryKind
from service.newsletter.choose import limits_of
from service.newsletter.compose import FEW, EditionComposer
from service.newsletter.layout import Frame
from service.newsletter.previews import samples
from service.newsletter.printing import AT_ONCE, Press, press_of, print_mails
from service.newsletter.run import plan_due
from service.render.engine import shipped_templates
from service.store import tables as t
from service.store.core.database import Store
from service.store.mailing.message_parts import unpack
from tests.newsletter import full_edition
from tests.newsletter.newsroom import HOUR, MONDAY, Newsroom

TOPICS = [f"chu-de-{n}" for n in range(8)]
CHOICES = list(itertools.combinations(TOPICS, 3))
SECTIONS = {"topic": {name: {"title": name.upper()} for name in TOPICS}}


class Office:
    """A site of its own with a reader for each choice of three topics of eight."""

    def __init__(self, folder, pattern) -> None:
        folder.mkdir()
        shutil.copy(pattern, folder / "bantin.db")
        self.store = Store(f"sqlite:///{folder}/bantin.db")
        self.room = Newsroom(self.store, folder, {"tuan": {"cadence": "daily"}}, **SECTIONS)
        for n, chosen in enumerate(CHOICES):
            self.room.subscribe(f"r{n}@example.vn", topics=list(chosen), token=f"{n:032}")
        for n, name in enumerate(TOPICS * 2):
            self.room.story(f"Tin {n}", name, at=MONDAY - HOUR)

    def plan(self, press: Press | None):
        room = self.room
        try:
            return plan_due(self.store, room.settings, room.renderer, MONDAY, press=press)
        finally:
            with self.store.read() as connection:
                self.segments = connection.execute(
                    select(t.segment.c.hash, t.segment.c.parts).order_by(t.segment.c.hash)
                ).all()
                self.mails = connection.execute(
                    select(t.delivery.c.subscription_id, t.segment.c.hash)
                    .join(t.segment, t.segment.c.id == t.delivery.c.segment_id)
                    .order_by(t.delivery.c.subscription_id)
                ).all()
            self.store.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory, sqlite_pattern):
    """What each of the others is compared with, planned once."""
    office = Office(tmp_path_factory.mktemp("printing") / "alone", sqlite_pattern)
    assert office.plan(None).deliveries == len(CHOICES)
    return office


def test_mails_of_processes_are_those_that_are_rendered_here(alone, tmp_path, sqlite_pattern):
    assert len(CHOICES) >= FEW
    asked = []

    async def with_processes(office):
        async with Parsers(1) as parsers:

            def call(function, *args):
                asked.append(len(args[-1]))
                return parsers.call(function, *args)

            press = press_of(call, asyncio.get_running_loop())
            return await asyncio.to_thread(office.plan, press)

    office = Office(tmp_path / "helped", sqlite_pattern)
    assert asyncio.run(with_processes(office)).deliveries == len(CHOICES)
    assert sum(asked) == len(CHOICES)
    assert office.segments == alone.segments
    assert office.mails == alone.mails


@pytest.mark.parametrize(
    "error", [QuarantinedError("killed"), TemplateError("wrong there"), MemoryError()]
)
def test_what_they_cannot_render_is_rendered_here(alone, tmp_path, sqlite_pattern, error):
    async def fails(_function, *_args):
        raise error

    async def planned(office):
        press = press_of(fails, asyncio.get_running_loop())
        return await asyncio.to_thread(office.plan, press)

    office = Office(tmp_path / "left", sqlite_pattern)
    assert asyncio.run(planned(office)).deliveries == len(CHOICES)
    assert office.segments == alone.segments
    assert office.mails == alone.mails


def test_processes_print_the_mails_beside_those_that_raise(tmp_path, sqlite_pattern):
    """Those are tried again by who plans, who learns why."""
    office = Office(tmp_path / "broken", sqlite_pattern)
    folder = office.room.root / "templates" / "mail" / "edition"
    folder.mkdir(parents=True)
    shipped = (shipped_templates() / "mail" / "edition" / "body.txt.j2").read_text("utf-8")
    raises = "{{ 1 // 0 if edition.lead_topic.id == 'chu-de-7' }}"
    (folder / "body.txt.j2").write_text(raises + shipped, "utf-8")
    office.room.load()
    given = []

    async def call(function, *args):
        given.extend(function(*args))
        return given[-len(args[-1]) :]

    async def planned():
        press = press_of(call, asyncio.get_running_loop())
        return await asyncio.to_thread(office.plan, press)

    done = asyncio.run(planned())
    hit = given.count(None)
    assert len(given) == len(CHOICES)
    assert 0 < hit < len(CHOICES)
    assert done.deliveries == len(CHOICES) - hit == len(office.mails)
    assert f"{hit} readers wait" in str(done.failed)


class Desk:
    """A composer, and questions for as many mails as others are asked for, in lots."""

    def __init__(self, store, folder, **given) -> None:
        room = full_edition.newsroom(store, folder, "letter")
        topics = tuple(room.settings.topic)
        with store.read() as connection:
            frozen = samples.newest(connection, topics, 20)
            limits = limits_of(room.settings.digest["tuan"].stories)
            self.choice = samples.choice_of(connection, frozen, topics, limits)
        frame = Frame("tuan", "Điểm tin tuần", MONDAY, "/editions/tuan/1/", {}, "#ff8888", "letter")
        self.composer = EditionComposer(
            room.renderer, DeliveryKind.EDITION, frame, topics, frozen, **given
        )

    def questions(self, lot: str):
        return [(self.choice, "vi", f"{lot} {n}", ()) for n in range(FEW)]


def test_once_they_have_failed_the_rest_of_the_edition_is_rendered_here(store, tmp_path):
    desk, asked = Desk(store, tmp_path), []

    def press(_key, _plate, wanted):
        asked.append(len(wanted))
        return lambda: None

    for lot in ("a", "b", "c"):
        desk.composer.ask_for(desk.questions(lot), press)()
    assert asked == [FEW]


def test_they_say_the_sentences_that_whoever_plans_has_read(store, tmp_path):
    """A file of words may be edited any time; it counts after a reload."""
    words = tmp_path / "templates/words/vi.toml"
    words.parent.mkdir(parents=True)
    words.write_text('"digest.on_the_web" = "TRƯỚC KHI SỬA"\n', "utf-8")
    desk = Desk(store, tmp_path)
    before = desk.composer.compose(desk.choice, "vi")
    assert "TRƯỚC KHI SỬA" in desk.composer.render(before.layout, "vi").text
    words.write_text('"digest.on_the_web" = "SAU KHI SỬA"\n', "utf-8")
    printed = []

    def press(key, plate, wanted):
        printed.extend(print_mails(key, plate, wanted))
        return lambda: printed

    desk.composer.ask_for(desk.questions("a"), press)()
    texts = [unpack(one.packed).text for one in printed]
    assert len(texts) == FEW
    assert all("TRƯỚC KHI SỬA" in one and "SAU KHI SỬA" not in one for one in texts)


@pytest.mark.parametrize("broken", [True, False])
async def test_nobody_waits_for_the_others_once_one_has_failed_or_time_is_over(broken):
    """What was asked for is called off: the processes have other work."""
    tasks = []

    async def call(*_args):
        tasks.append(asyncio.current_task())
        if broken and len(tasks) == 3:
            raise OSError("it does not work")
        await asyncio.Event().wait()

    patience = {} if broken else {"patience_s": 0.05}
    press = press_of(call, asyncio.get_running_loop(), **patience)
    async with asyncio.timeout(10):
        assert await asyncio.to_thread(press(b"", b"", [None] * 4 * AT_ONCE)) is None
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = [type(one) for one in ends]
    assert kinds.count(asyncio.CancelledError) == len(kinds) - broken > 1


def test_nobody_prints_once_the_service_has_ended():
    async def call(*_args):
        raise AssertionError

    loop = asyncio.new_event_loop()
    loop.close()
    assert press_of(call, loop)(b"", b"", [None])() is None
