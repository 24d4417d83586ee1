"""A template that raises for some mails of an edition: those wait, all others go."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from service.model import EndedReason
from service.newsletter.run import Planned
from service.newsletter.unrendered import EditionPlanned
from service.render.engine import shipped_templates
from service.report.health import health
from service.store import tables as t
from service.store.audience import subscriptions
from tests.newsletter.editors import REVIEWED
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

MINH, NAM, ANN = "minh@example.vn", "nam@example.vn", "ann@example.org"
BODY = "mail/edition/body.txt.j2"


@pytest.fixture
def room(store, tmp_path):
    """Two read Vietnamese, of different topics, and one English."""
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "daily"}})
    room.subscribe(MINH, topics=["giao-duc"])
    room.subscribe(NAM, topics=["y-te"])
    room.subscribe(ANN)
    with store.write() as connection:
        english = t.subscriber.c.address == ANN
        connection.execute(update(t.subscriber).where(english).values(language="en"))
    return room


def write(room: Newsroom, broken: str, name: str = BODY) -> None:
    """A template of the site's own that has this before what is shipped."""
    path = room.root / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(broken + (shipped_templates() / name).read_text("utf-8"), "utf-8")
    room.load()


def told(room: Newsroom) -> dict[str, list[list[str]]]:
    return {address: room.mails(address) for address in (MINH, NAM, ANN)}


def error(room: Newsroom) -> str | None:
    with room.store.read() as connection:
        return connection.execute(
            select(t.edition.c.error).order_by(t.edition.c.id.desc()).limit(1)
        ).scalar()


BROKEN = {
    "one language": ("{{ 1 // 0 if language == 'en' }}", {ANN}, "ZeroDivisionError"),
    "one kind of content": ("{{ edition.lead.story.nothing if edition.lead_topic.id == 'y-te' }}",
                            {NAM}, "UndefinedError"),
    "what no table of errors had": ("{{ range(99 ** 99) if language == 'en' }}",
                                    {ANN}, "OverflowError"),
    "a helper of templates": ("{{ cycler() if language == 'en' }}", {ANN}, "RuntimeError"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_whoever_a_template_raises_for_waits_alone_and_is_told_once_it_is_mended(room, kind):
    broken, waits, reason = BROKEN[kind]
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    room.story("health", "y-te", at=MONDAY - 2 * HOUR)
    write(room, broken)
    planned = room.run(MONDAY)
    whole = {MINH: [["school"]], NAM: [["health"]], ANN: [["school", "health"]]}
    assert told(room) == {who: [] if who in waits else mails for who, mails in whole.items()}
    assert planned.deliveries == 2
    [(edition, why)] = planned.failed.items()
    language = "en" if waits == {ANN} else "vi"
    assert edition == "tuan daily 2026-11-23T00:00Z"
    assert why.startswith(f"{BODY}:1: {reason}: ")
    assert why.endswith(f'("{language}", 1 reader waits: subscription {3 if ANN in waits else 2})')
    assert error(room) == why
    with room.store.read() as connection:
        said = health(connection, room.now)
    assert any(why in line for line in said.lines())
    assert said.ready  # most of its readers have it
    again = room.run(MONDAY + HOUR / 2)
    assert (again.deliveries, len(room.outbox())) == (0, 2)
    assert again.failed == planned.failed  # known, and told again
    write(room, "")
    assert room.run(MONDAY + HOUR).deliveries == 1
    assert told(room) == whole
    assert error(room) is None
    assert room.run(MONDAY + DAY).deliveries == 0
    assert len(room.outbox()) == 3


def test_who_waits_beyond_the_next_edition_is_told_by_that(room):
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    write(room, "{{ 1 // 0 if language == 'en' }}")
    room.run(MONDAY)
    room.story("exam", "giao-duc", at=MONDAY + HOUR)
    room.run(MONDAY + DAY)
    write(room, "")
    room.run(MONDAY + DAY + HOUR)
    assert told(room)[MINH] == [["school"], ["exam"]]
    assert told(room)[ANN] == [["school", "exam"]]
    assert room.run(MONDAY + 2 * DAY).deliveries == 0
    assert [row.planned_at is None for row in room.editions()] == [False] * 3
    assert [row.error is None for row in room.editions()] == [False, True, True]


def test_where_whoever_waited_has_left_nothing_is_said_of_it_any_more(room):
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    write(room, "{{ 1 // 0 if language == 'en' }}")
    room.run(MONDAY)
    assert "1 reader waits" in error(room)
    with room.store.write() as connection:
        subscriptions.end(connection, [3], MONDAY, EndedReason.PAGE)
    assert room.run(MONDAY + HOUR / 2) == Planned()
    assert error(room) is None
    assert [row.planned_at is None for row in room.editions()] == [False]


def test_where_every_mail_raises_nothing_is_planned_and_the_service_is_not_ready(room):
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    write(room, "{{ nothing }}")
    assert room.run(MONDAY).deliveries == 0
    with room.store.read() as connection:
        assert not health(connection, room.now).ready
    assert "2 readers wait" not in error(room)  # minh and ann get it: one a language
    assert error(room).count("1 reader waits") == 2


def test_sentences_of_one_language_that_cannot_be_read_hold_that_language(room):
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    write(room, "")
    (words := room.root / "templates" / "words").mkdir()
    (words / "en.toml").write_text('"digest.stories.one" = "{n"', "utf-8")
    room.load()
    planned = room.run(MONDAY)
    assert told(room) == {MINH: [["school"]], NAM: [], ANN: []}
    assert "words/en.toml" in str(planned.failed)


def test_a_file_that_cannot_be_read_for_a_moment_is_tried_again(room):
    """An admin's editor puts another file in its place: it was not there for a moment."""
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    write(room, '{% include "own/line.txt" %}')
    assert "TemplateNotFound" in str(room.run(MONDAY).failed)
    own = room.root / "templates" / "own"
    own.mkdir()
    (own / "line.txt").write_text("Tin mới", "utf-8")
    assert room.run(MONDAY + HOUR / 2).deliveries == 2


def test_a_file_of_another_kind_that_a_template_takes_in_is_mended_like_one(room):
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    (line := room.root / "templates" / "own" / "line.css").parent.mkdir(parents=True)
    line.write_text("{{ 1 // 0 }}", "utf-8")
    write(room, '{% include "own/line.css" %}')
    assert "own/line.css" in str(room.run(MONDAY).failed)
    line.write_text("Tin mới", "utf-8")
    assert room.run(MONDAY + HOUR / 2).deliveries == 2


@pytest.mark.parametrize("name", ["mail/edition/.#body.html.j2", "web/.#a.j2", "words/.#en.toml"])
def test_the_lock_of_an_editor_at_work_on_a_template_keeps_no_mail_back(room, name):
    """Emacs writes one beside the file: a link to nowhere, which is named like it."""
    room.story("school", "giao-duc", at=MONDAY - HOUR)
    write(room, "")
    (lock := room.root / "templates" / name).parent.mkdir(parents=True, exist_ok=True)
    lock.symlink_to("lan@machine.4711:1")
    assert room.run(MONDAY).deliveries == 2
    assert room.renderer.languages() == ("en", "vi")


def test_a_template_of_the_mail_to_editors_keeps_no_reader_waiting(store, tmp_path):
    """Both are the same edition, with the same stories in the same order."""
    room = Newsroom(store, tmp_path, {"tuan": REVIEWED})
    room.subscribe(MINH)
    room.story("school", "giao-duc", at=MONDAY - 3 * HOUR)
    review = "mail/review/body.txt.j2"
    write(room, "{{ 1 // 0 }}", review)
    assert review in str(room.run(MONDAY - 2 * HOUR).failed)
    assert room.run(MONDAY).failed == {}
    assert room.mails(MINH) == [["school"]]
    assert error(room) is None


def test_reasons_and_readers_beyond_a_few_are_counted():
    few = dict.fromkeys((9, 4, 7, 12), ("en", "x:1: E: e"))
    assert EditionPlanned(1, few).why() == (
        'x:1: E: e ("en", 4 readers wait: subscriptions 4, 7, 9, …)'
    )
    many = {n: ("vi", f"x:{n}: E: e") for n in range(1, 6)}
    why = EditionPlanned(0, many).why()
    assert why.startswith('x:1: E: e ("vi", 1 reader waits: subscription 1); x:2')
    assert why.endswith("; and 2 more reasons")
    assert EditionPlanned(3).why() == ""
