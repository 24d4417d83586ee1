"""One batch is written while the next is prepared, where the database is another process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.newsletter.writing import writer
from service.render.engine import shipped_templates
from service.store.mailing.message_parts import pack
from tests.newsletter.test_printing import Desk


def test_whoever_plans_goes_on_while_postgresql_writes(any_store):
    gate, done = threading.Event(), []

    def write():
        assert gate.wait(60)
        done.append(1)
        return len(done)

    with writer(any_store) as begin:
        if any_store.is_sqlite:
            gate.set()
        first = begin(write)
        assert len(done) == any_store.is_sqlite
        gate.set()
        assert first() == 1
        begin(write)
    assert done == [1, 1]  # the end waits for what was begun


def test_what_goes_wrong_in_writing_is_heard_by_whoever_waits_for_it(any_store):
    def fails():
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"), writer(any_store) as begin:
        begin(fails)()


def test_nothing_is_written_behind_what_went_wrong(any_store):
    gate, done = threading.Event(), []

    def fails():
        assert gate.wait(60)
        raise ValueError("gone")

    if any_store.is_sqlite:
        gate.set()
    with pytest.raises(ValueError, match="gone"), writer(any_store) as begin:
        begin(fails)
        second, third = begin(lambda: done.append(2)), begin(lambda: done.append(3))
        gate.set()
        with pytest.raises(ValueError, match="gone"):
            second()
        third()
    assert done == []


def test_whoever_writes_a_mail_does_not_wait_for_one_that_is_being_rendered(store, tmp_path):
    """The transaction that it is written in holds its readers."""
    folder = tmp_path / "templates/mail/edition"
    folder.mkdir(parents=True)
    shipped = (shipped_templates() / "mail/edition/body.txt.j2").read_text("utf-8")
    (folder / "body.txt.j2").write_text("{{ render() or '' }}" + shipped, "utf-8")
    begun, gate = threading.Event(), threading.Event()

    def render():
        begun.set()
        assert gate.wait(60)

    desk = Desk(store, tmp_path, beside={"render": render})
    composer = desk.composer
    gate.set()
    known = composer.compose(desk.choice, "vi")
    gate.clear()
    begun.clear()

    def writes():
        mail = composer.compose(desk.choice, "vi")
        return mail.hash, composer.layout(mail), composer.packed(mail)

    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(composer.compose, desk.choice, "vi", "mai")
        try:
            assert begun.wait(60)
            written = threads.submit(writes).result(10)
        finally:
            gate.set()
    assert other.result().hash != known.hash
    assert written == (known.hash, known.layout, pack(composer.render(known.layout, "vi")))
