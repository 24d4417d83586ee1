"""One batch is written while the next is prepared, where the database is another process."""

from __future__ import annotations

import threading

import pytest

from service.newsletter.writing import writer


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
