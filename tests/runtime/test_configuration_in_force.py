"""A configuration is put in force beside who admits, without a service, and after a failure."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from service.curate.learned.model_file import to_bytes
from service.curate.learned.training import train
from service.errors import StoreError
from service.runtime import pipeline
from service.runtime.composition import load, open_service
from service.runtime.configuration import in_use
from service.store import tables as t
from service.store.content import entries
from service.store.core.database import Store
from tests.curate.learned import texts
from tests.runtime.test_rolling_change import NEW, OLD, SITE, standing, tells

LEARNS = {"word": "học sinh", "more": '[topic.troi]\nany = ["thời tiết"]\nlearn = true\n'}


def write(folder, url, toml):
    path = folder / "bantin.toml"
    path.write_text(SITE.format(url=url, **toml), encoding="utf-8")
    return path


@pytest.mark.postgres
def test_a_reload_waits_for_who_records_what_a_source_said(tmp_path, postgres_database):
    """Who records has its sources first and queues for admission then."""
    service = open_service(write(tmp_path, postgres_database, OLD), {}, retire=True)
    recorder = Store(postgres_database)
    has_source, errors = threading.Event(), []

    def record() -> None:
        try:
            with recorder.write() as connection:
                rows = select(t.source.c.id).with_for_update(key_share=True)
                connection.execute(rows).all()
                has_source.set()
                connection.execute(text("SELECT pg_sleep(0.5)"))
                entries.queue(connection)
        except StoreError as error:
            errors.append(error)

    recording = threading.Thread(target=record)
    recording.start()
    has_source.wait()
    loaded = load(write(tmp_path, postgres_database, NEW), {})
    service.take(loaded, retire=True, reloaded=True)
    recording.join()
    assert errors == []
    service.close()
    recorder.close()


async def test_rules_that_changed_while_no_service_runs_are_applied_by_a_command(tmp_path):
    url = f"sqlite:///{tmp_path / 'bantin.db'}"
    served = open_service(write(tmp_path, url, OLD), {}, retire=True)
    tells(served, "1")
    assert standing(served) == {("Tin học sinh", "cu"): False}
    served.close()
    by_hand = open_service(write(tmp_path, url, NEW), {})
    await pipeline.match_again(by_hand)
    assert standing(by_hand)["Tin học sinh", "giao-duc"]
    by_hand.close()


@texts.LEARNS
def test_a_model_that_could_not_be_put_in_force_is_the_next_time(tmp_path):
    url = f"sqlite:///{tmp_path / 'bantin.db'}"
    service = open_service(write(tmp_path, url, LEARNS), {}, retire=True)
    learned = [replace(one, label="troi") for one in texts.vietnamese() if one.label == "the-thao"]
    rest = [one for one in texts.vietnamese() if one.label != "the-thao"]
    service.settings.model_file.parent.mkdir(exist_ok=True)
    service.settings.model_file.write_bytes(to_bytes(train([*learned, *rest], seed=1)))
    with service.store.write() as connection:
        connection.execute(text("ALTER TABLE configuration RENAME TO gone"))
    with pytest.raises(StoreError):
        service.rules()
    with service.store.write() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO configuration"))
    before = service.configuration.hash
    service.rules()
    assert service.configuration.hash != before
    assert service.replaced_by() is None
    service.close()


def test_a_key_that_nobody_wrote_says_the_same_as_its_default(tmp_path):
    """So does one that a later version knows: beside it this one is not older."""
    url = f"sqlite:///{tmp_path / 'bantin.db'}"
    plain = in_use(load(write(tmp_path, url, NEW), {}).settings, None)
    said = {**NEW, "more": NEW["more"] + "none = []\nsources = []\n[stories]\nenabled = true\n"}
    assert in_use(load(write(tmp_path, url, said), {}).settings, None) == plain
