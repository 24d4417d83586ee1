"""Promise 3 where the service is three processes, each killed at exact moments of its own work.

As in test_crash_matrix.py, in whichever process has the moment: at commits, and between the steps
of sending. The two others go on, and the dead one is started again. Each time news have come in,
and every reader is told them once; a mail whose body was under way may be held as uncertain.
"""

from __future__ import annotations

import random

import pytest

from service.store import tables as t
from tests import levels
from tests.contract.fleet import DIGEST, Fleet
from tests.contract.mail.office import Office
from tests.contract.plug import Moment
from tests.contract.test_crash_matrix import JUDGEMENT_SIDES, SIDES, STEPS
from tests.contract.way import outlets
from tests.mail.relays import Sink
from tests.running import eventually

pytestmark = [pytest.mark.postgres, pytest.mark.sampled]

READERS = [f"ban-doc-{number}@example.vn" for number in range(4)]
KINDS = (
    [("collect", Moment(side, n)) for n in range(2, 17) for side in JUDGEMENT_SIDES],
    [("web", Moment(side, n)) for n in (1, 2) for side in JUDGEMENT_SIDES],
    [("mail", Moment(side, n)) for n in range(1, 13) for side in SIDES],
    [("mail", Moment(side, n)) for n in range(1, 7) for side in JUDGEMENT_SIDES],
    [("mail", Moment(step, n)) for step in STEPS for n in (1, 2, 4)],
)
"""Transactions that are not the ledger's are called judgements there, as most of them are."""

UNDER_WAY = {"sending", "answered"}
LEASED = (t.source_poll, t.site_lease, t.delivery)


def named(one: tuple[str, Moment]) -> str:
    role, moment = one
    return f"{role} {moment.what} {moment.n}"


TRIED = KINDS if levels.WHOLE else [KINDS[0], KINDS[4]]
"""Each moment takes its time: one of a collector and a step of sending are a sample."""

MOMENTS = [one for some in TRIED for one in levels.each(some, of=named(some[0]))]


async def reaches(fleet: Fleet, name: str, holds) -> bool:
    """Wait until it is so, whoever dies; whether the process of this name died and came back."""
    process = fleet.processes[name]
    await eventually(lambda: process.poll() is not None or holds())
    if process.poll() is None:
        return False
    fleet.time_passes(*LEASED)
    fleet.start(name)
    await eventually(holds)
    return True


async def test_whichever_process_is_killed_at_its_moment_everybody_is_told_once(
    tmp_path, postgres_database, record_property
):
    died = []
    async with outlets() as served, Sink() as relay:
        with Office(tmp_path, relay.port, url=postgres_database, digest=DIGEST) as office:
            with office.config.open("a") as file:
                file.write(
                    f'[source.bao]\nurl = "{served.url("/rss")}"\ntopics = ["chu-de-tuan"]\n'
                    '[collect]\nallow_networks = ["127.0.0.0/8"]\n'
                )
            names = ("web", "collect", "mail") if levels.WHOLE else ("collect", "mail")
            fleet = Fleet(office, served, relay, READERS, random.Random(13), names=names)
            fleet.begin()
            try:
                await fleet.collected()
                for name, moment in MOMENTS:
                    uncertain = fleet.uncertain()
                    await fleet.replace(name, moment.what, str(moment.n))
                    fleet.news()
                    dead = await reaches(fleet, name, fleet.is_collected)
                    fleet.cut()
                    dead |= await reaches(fleet, name, fleet.is_settled)
                    if dead:
                        died.append(named((name, moment)))
                    held = fleet.uncertain() - uncertain
                    assert len(held) <= (moment.what in UNDER_WAY) * 2, (name, moment)
            finally:
                await fleet.end()
            received, uncertain = fleet.received(), fleet.uncertain()
    record_property("report", f"killed at: {', '.join(died)}")
    everybody = {(one, str(n + 1)) for one in READERS for n in range(len(fleet.titles))}
    assert max(received.values()) == 1
    assert received.keys() | uncertain == everybody
    assert {one.partition(" ")[0] for one in died} >= {"collect", "mail"}
