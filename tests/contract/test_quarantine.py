"""A document that kills or hangs its reader is quarantined, and its neighbours lose nothing.

They stand in one batch of one process; the judgement outlives a restart, in both databases.
"""

from __future__ import annotations

import pytest

from service.collect.workers.task import ParseTask, PreparedResult
from service.errors import QuarantinedError
from service.runtime import pipeline
from tests.bench.crowd import HANGING, KILLER
from tests.bench.hour import Fragile
from tests.contract.way import LOOPBACK, SITE, TODAY, YESTERDAY, Way, rss
from tests.net.wire import Talk, raw_server

GOOD = tuple(f"tot-{n}" for n in range(14))
BAD = {"giet": KILLER, "treo": HANGING}
READING_S = 1
"""Of one document, by the processor's clock: what hangs takes it whole."""


class Counted(Fragile):
    """It counts the documents that were quarantined, and those that were read."""

    quarantined = 0
    read_well = 0

    async def read(self, job: ParseTask) -> PreparedResult:
        try:
            parsed = await super().read(job)
        except QuarantinedError:
            self.quarantined += 1
            raise
        self.read_well += 1
        return parsed


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_toml(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    return f'[store]\nurl = "{request.getfixturevalue("postgres_database")}"\n'


async def test_what_was_quarantined_stays_so_and_its_neighbours_lose_nothing(tmp_path, store_toml):
    served = {name: rss(f"Tin {name}", link=f"https://{name}.example") for name in GOOD}
    for name, mark in BAD.items():
        served[name] = rss("X").replace(b"<title>X", b"<title>" + mark)

    async def script(talk: Talk) -> None:
        await talk.answer(served[talk.target.strip("/")])

    async with (
        raw_server(script) as wire,
        Counted(1, timeout_s=READING_S, quick_s=READING_S / 2) as parsers,
    ):
        names = [*GOOD[:5], "giet", *GOOD[5:9], "treo", *GOOD[9:]]
        sources = "".join(f'[source.{name}]\nurl = "{wire.url(f"/{name}")}"\n' for name in names)
        way = Way(tmp_path, SITE + store_toml + LOOPBACK + sources, now=YESTERDAY)

        got = await pipeline.collect(way.service, parsers=parsers)  # what is due
        assert set(got.failed) == set(BAD)
        assert (got.ok, got.entries_new) == (len(GOOD), len(GOOD))
        assert (parsers.quarantined, parsers.read_well) == (len(BAD), len(GOOD))
        _assert_told(way)

        way.restart()
        way.now = TODAY
        for name in GOOD:
            served[name] = rss(f"Tin {name}", f"Tin hai {name}", link=f"https://{name}.example")
        got = await pipeline.collect(way.service, parsers=parsers)  # what is due
        assert (got.ok, got.entries_new) == (len(GOOD), len(GOOD))
        assert parsers.quarantined == len(BAD), "read again, though it is the same"
        _assert_told(way)
        way.close()


def _assert_told(way: Way) -> None:
    said = way.status()["sources"]
    assert {name: said[name]["state"] for name in GOOD} == dict.fromkeys(GOOD, "ok")
    for name, words in (("giet", "kills the process"), ("treo", f"longer than {READING_S} s")):
        assert said[name]["state"] == "quarantined"
        assert said[name]["reason"].startswith("quarantined: ")
        assert words in said[name]["reason"]
        assert f"since {YESTERDAY:%Y-%m-%d}" in said[name]["reason"]
