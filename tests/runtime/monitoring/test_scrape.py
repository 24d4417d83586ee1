"""A scrape of a service: its names, its labels, what it costs, and who gets it."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, insert, select
from sqlalchemy.engine import Engine

from service.errors import DriftError, HttpError, StoreError
from service.mail.deliver import MailResult
from service.model import DeliveryKind, DeliveryState
from service.runtime.check import check
from service.runtime.composition import open_service
from service.runtime.engine import PeriodicJob
from service.runtime.monitoring.families import registry
from service.runtime.monitoring.listener import MOST, SLOW_S, listening
from service.runtime.monitoring.mails import MailsOfARun
from service.runtime.monitoring.rows import FRESH_S, MOST_S, SHARE, RowsReader
from service.runtime.monitoring.timing import timed
from service.runtime.vitals import Vitals
from service.store import tables as t
from service.store.core import processes
from service.store.core.processes import ServiceProcess
from service.store.mailing.relays.relay_states import note_failure
from tests.builders import add_source
from tests.mail.stock import fill
from tests.running import until, unused_port

TOML = """
[site]
title = "Tin"
[metrics]
listen = "127.0.0.1:{port}"
{key}
[mail]
from = "Tin <tin@example.vn>"
[mail.relay.chinh]
host = "127.0.0.1"
"""
ADDRESSES = ["lan@example.vn", "minh@example.vn", "hoa@example.vn"]


def opened(folder, key=""):
    config = folder / "bantin.toml"
    config.write_text(TOML.format(port=unused_port(), key=key), encoding="utf-8")
    return open_service(config, {})


@pytest.fixture
def service(tmp_path):
    made = opened(tmp_path)
    yield made
    made.close()


class Clock:
    """Seconds that a test moves."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


def scrape(service, clock=None, reader=None):
    """Sample name -> {labels: value}, from the bytes that Prometheus gets."""
    rows = reader or RowsReader(service, clock or Clock())
    text = generate_latest(registry(service, Vitals(service), rows)).decode()
    return text, samples(text)


def samples(text):
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def of(found, metric, /, **labels):
    return found[metric][tuple(sorted(labels.items()))]


def work(service, sources):
    """What a day leaves, in rows and in the process."""
    now = service.clock()
    stock = fill(service.store, now, ADDRESSES)
    with service.store.write() as connection:
        for number in range(sources):
            fails = {"failures": 1, "error": "x"} if number % 3 == 0 else {}
            add_source(connection, now, f"bao-{number}", next_poll_at=now, **fails)
    with service.store.ledger() as connection:
        note_failure(connection, "chinh", now, "connect: refused lan@example.vn", now)
    drift = DriftError("x")
    failed = {"bao-1": HttpError(500, "answered 500"), "bao-2": drift}
    service.counted.polled(5, 2, failed, 1)
    service.counted.took_in(7, {90: 2, -3: 1, 10**7: 1})
    return stock


async def test_every_name_has_its_unit_its_help_and_few_labels(service, tmp_path):
    work(service, 3)
    text, few = scrape(service)
    other = tmp_path / "other"
    other.mkdir()
    large = opened(other)
    try:
        work(large, 30)
        _, many = scrape(large)
    finally:
        large.close()
    assert {name: set(few[name]) for name in few} == {name: set(many[name]) for name in many}, (
        "ten times the sources give no further label"
    )
    assert "@" not in text
    assert "bao-" not in text
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    ours = {name for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE) if "bantin" in name}
    assert ours
    assert all(len(helps[name]) > 20 for name in ours)
    assert of(many, "bantin_sources", state="failing") == 10
    assert of(many, "bantin_sources_due") == 31


async def test_what_the_process_has_done_is_counted(service):
    work(service, 3)
    _, found = scrape(service)
    assert of(found, "bantin_polls_total", outcome="ok") == 2
    assert of(found, "bantin_polls_total", outcome="http") == 1
    assert of(found, "bantin_polls_total", outcome="drift") == 1
    assert of(found, "bantin_polls_total", outcome="lost") == 1
    assert of(found, "bantin_entries_total") == 7
    assert of(found, "bantin_news_collected_seconds_count") == 2, "only what can be believed"
    assert of(found, "bantin_news_collected_seconds_bucket", le="60.0") == 0
    assert of(found, "bantin_news_collected_seconds_bucket", le="300.0") == 2
    assert of(found, "bantin_relay_failing", relay="chinh") == 1
    assert of(found, "bantin_mail_queue", kind="edition", state="planned") == 3


async def test_mails_of_a_run_are_counted_and_their_news_is_dated(service, capsys):
    stock = work(service, 1)
    now = service.clock()
    with service.store.write() as connection:
        stories = connection.execute(select(t.story.c.id)).scalars().all()
        listed = {"edition_id": stock.edition, "position": 1, "topics": [], "view": {}}
        for position, (story, article) in enumerate(zip(stories, stock.articles, strict=True)):
            row = {**listed, "story_id": story, "article_ids": [article], "position": position}
            connection.execute(insert(t.edition_story).values(row))
    run = MailsOfARun(service.counted)
    for state in (DeliveryState.ACCEPTED, DeliveryState.ACCEPTED, DeliveryState.DEFERRED):
        dated = now - timedelta(seconds=40)
        run.note(MailResult("chinh", state, DeliveryKind.EDITION, stock.edition, dated, now))
    run.end(service.store, {DeliveryState.ACCEPTED: 2, DeliveryState.DEFERRED: 1,
                            DeliveryState.SUPPRESSED: 4})  # fmt: skip
    _, found = scrape(service)
    mails = {"relay": "chinh", "kind": "edition"}
    assert of(found, "bantin_mails_total", state="accepted", **mails) == 2
    assert of(found, "bantin_mails_total", state="deferred", **mails) == 1
    assert of(found, "bantin_mails_total", state="suppressed", relay="", kind="") == 4
    assert of(found, "bantin_mail_accepted_seconds_count") == 2
    assert of(found, "bantin_mail_accepted_seconds_sum") == 80
    assert of(found, "bantin_news_mailed_seconds_count") == 2 * len(stock.articles) > 0
    said = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    [line] = [line for line in said.splitlines() if "mails accepted" in line]
    with service.store.read() as connection:
        ids = connection.execute(select(t.article.c.public_id)).scalars().all()
    assert all(one in line for one in ids)
    assert "mails=2" in line


async def test_jobs_are_timed_around_the_engine(service):
    broken = True

    async def run() -> bool:
        if broken:
            raise OSError("no")
        return True

    job = timed(PeriodicJob("collect", run, 5.0), service)
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            await job.run()
    _, found = scrape(service)
    assert of(found, "bantin_job_failures_total", name="collect") == 2
    assert of(found, "bantin_job_failing_runs", name="collect") == 2
    broken = False
    assert await job.run()
    _, found = scrape(service)
    assert of(found, "bantin_job_run_seconds_count", name="collect") == 3
    assert of(found, "bantin_job_failing_runs", name="collect") == 0
    ended = of(found, "bantin_job_last_end_timestamp_seconds", name="collect")
    assert abs(service.clock().timestamp() - ended) < 60


async def test_a_process_that_was_started_again_is_not_gone(service):
    now = service.clock()
    with service.store.write() as connection:
        for id_, name, role, begun, seen in (
            ("a", "1", "mail", 3600, 1800),  # killed, and started again under its name
            ("b", "1", "mail", 1700, 5),
            ("c", "2", "mail", 3600, 1800),
            ("d", "1", "web", 3600, 5),
        ):
            machine, ago = f"may-{role}", timedelta(seconds=1)
            row = ServiceProcess(
                id_, machine, name, role, 7, "0", now - begun * ago, now - seen * ago
            )
            processes.show(connection, row)
    _, found = scrape(service)
    states = {key: value for key, value in found["bantin_processes"].items() if value}
    assert states == {
        (("role", "mail"), ("state", "seen")): 1,
        (("role", "mail"), ("state", "gone")): 1,
        (("role", "web"), ("state", "seen")): 1,
    }


async def test_a_scrape_each_second_costs_no_more_than_one_in_ten(service):
    work(service, 40)
    sent = []
    note = lambda *told: sent.append(told[2])
    clock = Clock()
    reader = RowsReader(service, clock)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        scrape(service, reader=reader)
        first = len(sent)
        for _ in range(int(FRESH_S) - 1):
            clock.at += 1
            scrape(service, reader=reader)
        assert (len(sent), first <= 15) == (first, True), sent
        clock.at += 1
        scrape(service, reader=reader)
        assert len(sent) == 2 * first
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_what_took_long_is_not_read_again_so_soon(service):
    """Of a hundred thousand sources reading takes half a second."""
    work(service, 1)
    clock = Clock()
    reader = RowsReader(service, clock)

    at = [0.1]

    def slow(*_told):
        clock.at += at[0]

    event.listen(Engine, "before_cursor_execute", slow)
    try:
        first = reader.read()
        took, clock.at = clock.at, clock.at + FRESH_S
        assert reader.read() is first
        clock.at = took / SHARE
        assert (second := reader.read()) is not first
        at[0] = 1.0  # so long that no share of it would be left
        clock.at += took / SHARE
        assert (third := reader.read()) is not second
        clock.at += MOST_S
        assert reader.read() is not third
    finally:
        event.remove(Engine, "before_cursor_execute", slow)


async def test_after_a_long_wait_for_a_store_that_is_gone_it_is_asked_again_soon(service):
    """A pool waits half a minute for a connection: that is no measure of what reading costs."""
    clock = Clock()
    reader = RowsReader(service, clock)

    def gone(*_told):
        clock.at += 30
        raise StoreError("no answer")

    event.listen(Engine, "before_cursor_execute", gone)
    try:
        assert reader.read() is None
        told = clock.at
        assert (reader.read(), clock.at) == (None, told), "not before its time"
    finally:
        event.remove(Engine, "before_cursor_execute", gone)
    clock.at += FRESH_S
    assert reader.read() is not None


async def test_a_store_that_cannot_be_read_is_told_and_the_rest_with_it(service):
    service.store.close()
    (service.settings.var / "bantin.db").write_bytes(b"no database at all" * 100)
    for suffix in ("-wal", "-shm"):
        (service.settings.var / f"bantin.db{suffix}").unlink(missing_ok=True)
    _, found = scrape(service)
    assert of(found, "bantin_store_readable") == 0
    assert "bantin_sources" not in found
    assert of(found, "bantin_event_loop_lag_seconds") == 0
    assert of(found, "bantin_disk_free_bytes", folder="var") > 0


def asked(service, path="/metrics", **headers):
    address = f"http://{service.settings.metrics.listen}{path}"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=10
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def is_there(service):
    with contextlib.suppress(OSError):
        return asked(service)[0] == 200


def test_the_socket_answers_metrics_alone_and_with_a_key_who_brings_it(tmp_path):
    service = opened(tmp_path, 'key = "mo-ra"')
    try:
        with listening(service, Vitals(service)):
            assert asked(service)[0] == 401
            assert asked(service, Authorization="Bearer sai")[0] == 401
            assert asked(service, Authorization="Bearer đúng".encode().decode("latin-1"))[0] == 401
            assert asked(service, Authorization="Basic mo-ra")[0] == 401
            assert asked(service, "/admin/", Authorization="Bearer mo-ra")[0] == 404
            status, text = asked(service, Authorization="Bearer mo-ra")
        assert status == 200
        assert "bantin_info{" in text
        with pytest.raises(OSError):
            asked(service)
    finally:
        service.close()


def test_who_holds_all_places_keeps_neither_the_end_nor_a_later_scrape_waiting(service):
    host, _, port = service.settings.metrics.listen.rpartition(":")
    with contextlib.ExitStack() as held:
        with listening(service, Vitals(service)):
            for _ in range(MOST + 3):
                held.enter_context(socket.create_connection((host, int(port)), 10))
            with pytest.raises(OSError):
                asked(service)
            held.close()
            until(lambda: is_there(service))
            for _ in range(MOST + 3):
                held.enter_context(socket.create_connection((host, int(port)), 10))
            begun = time.monotonic()
        assert time.monotonic() - begun < SLOW_S


def test_a_port_that_is_taken_is_told_and_stops_nothing(service, capsys):
    with listening(service, Vitals(service)), listening(service, Vitals(service)):
        assert asked(service)[0] == 200
    assert "no metrics: cannot listen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("listen", "key", "faults"),
    [
        ("127.0.0.1:9464", "", 0),
        ("[::1]:9464", "", 0),
        ("localhost:9464", "", 0),
        ("0.0.0.0:9464", "", 1),
        ("[::]:9464", "", 1),
        ("bantin.internal:9464", "", 1),
        ("0.0.0.0:9464", 'key = "x"', 0),
    ],
)
def test_beyond_loopback_a_key_is_needed(tmp_path, listen, key, faults):
    config = tmp_path / "bantin.toml"
    config.write_text(f'[metrics]\nlisten = "{listen}"\n{key}\n', encoding="utf-8")
    found = check(config, {}).faults
    assert [(one.line, one.key) for one in found] == [(2, "metrics.listen")] * faults


def test_promtool_finds_nothing_to_say_of_it(service):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    work(service, 3)
    text, _ = scrape(service)
    ours = "".join(
        line for line in text.splitlines(keepends=True) if re.match(r"(# \w+ )?bantin", line)
    )
    done = subprocess.run(
        [promtool, "check", "metrics"], input=ours, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
