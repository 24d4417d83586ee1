"""Processes that render mails of an edition for whoever plans it: the same mails, or none."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from sqlalchemy import select

from service.collect.workers.pool import Parsers
from service.errors import QuarantinedError, TemplateError
from service.newsletter.compose import FEW
from service.newsletter.printing import Press, press_of
from service.newsletter.run import plan_due
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.newsletter.newsroom import HOUR, MONDAY, Newsroom

TOPICS = [f"chu-de-{n}" for n in range(8)]
CHOICES = list(itertools.combinations(TOPICS, 3))
SECTIONS = {"topic": {name: {"title": name.upper()} for name in TOPICS}}


class Office:
    """A site of its own with a reader for each choice of three topics of eight."""

    def __init__(self, folder) -> None:
        folder.mkdir()
        self.store = Store(f"sqlite:///{folder}/bantin.db")
        migrate(self.store)
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


@pytest.fixture
def alone(tmp_path):
    office = Office(tmp_path / "alone")
    assert office.plan(None).deliveries == len(CHOICES)
    return office


def test_mails_of_processes_are_those_that_are_rendered_here(alone, tmp_path):
    assert len(CHOICES) >= FEW
    asked = []

    async def with_processes(office):
        async with Parsers(1) as parsers:

            def call(function, *args):
                asked.append(len(args[-1]))
                return parsers.call(function, *args)

            press = press_of(call, asyncio.get_running_loop())
            return await asyncio.to_thread(office.plan, press)

    office = Office(tmp_path / "helped")
    assert asyncio.run(with_processes(office)).deliveries == len(CHOICES)
    assert sum(asked) == len(CHOICES)
    assert office.segments == alone.segments
    assert office.mails == alone.mails


@pytest.mark.parametrize("error", [QuarantinedError("killed"), TemplateError("wrong there")])
def test_what_they_cannot_render_is_rendered_here(alone, tmp_path, error):
    async def fails(_function, *_args):
        raise error

    async def planned(office):
        press = press_of(fails, asyncio.get_running_loop())
        return await asyncio.to_thread(office.plan, press)

    office = Office(tmp_path / "left")
    assert asyncio.run(planned(office)).deliveries == len(CHOICES)
    assert office.segments == alone.segments
    assert office.mails == alone.mails
