"""The metrics of a running service, as Prometheus asks for names, units and help.

No label holds an address, or a name of which there may be thousands: sources are counted by their
state. docs/monitoring.md lists what there is and what it is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from itertools import accumulate, product

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import CollectorRegistry
from prometheus_client.utils import floatToGoString

from service.mail.relays import line_names
from service.report.status import is_gone
from service.runtime import disk, machine_clock
from service.runtime.composition import Service
from service.runtime.monitoring.counted import Buckets, JobCounts
from service.runtime.monitoring.rows import Rows, RowsReader
from service.runtime.roles import Role
from service.runtime.vitals import Vitals

SOURCE_STATES = (
    "ok",
    "new",
    "late",
    "slowed",
    "failing",
    "drifting",
    "quarantined",
    "gone",
    "paused",
)
"""All that `report.standing.state` says: each stands in every scrape, 0 where none is so."""

MAIL_STATES = ("planned", "claimed", "sending", "deferred", "uncertain")
REVIEW_STATES = ("waiting", "held", "approved", "released")
MAIL_KINDS = ("edition", "transactional")


def registry(service: Service, vitals: Vitals, rows: RowsReader) -> CollectorRegistry:
    """What is read at each scrape; nothing is registered for the whole process."""
    made = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    GCCollector(registry=made)
    made.register(Families(service, vitals, rows))
    return made


class Families:
    """Gives every family anew at each scrape."""

    def __init__(self, service: Service, vitals: Vitals, rows: RowsReader) -> None:
        self._service = service
        self._vitals = vitals
        self._rows = rows

    def collect(self) -> Iterator[Metric]:
        rows = self._rows.read()
        yield InfoMetricFamily("bantin", "Version of the service.", {"version": version("bantin")})
        yield _gauge(
            "bantin_store_readable",
            "1 while the store can be read, else 0; the metrics "
            "that are counted in rows are missing then.",
            rows is not None,
        )
        yield from self._process()
        yield from self._counted()
        if rows is not None:
            yield from _of_rows(rows, line_names(self._service.settings))

    def _process(self) -> Iterator[Metric]:
        yield _gauge(
            "bantin_store_writable",
            "1 while the store took the last probe's row, else 0. It is probed each 15 seconds.",
            self._vitals.can_write,
        )
        yield _gauge(
            "bantin_event_loop_lag_seconds",
            "The longest time of the last minute for which the event loop answered nobody.",
            self._vitals.lag(),
        )
        yield _gauge(
            "bantin_clock_ahead_seconds",
            "By how much this machine's clock is ahead of the database's, which the service "
            "uses; negative: behind. 0 on SQLite.",
            machine_clock.ahead_s(self._service),
        )
        free = GaugeMetricFamily(
            "bantin_disk_free_bytes",
            "Room where the service writes: its folder, and that of an SQLite database elsewhere.",
            labels=["folder"],
        )
        folders = disk.folders(self._service.settings)
        for name, folder in zip(("var", "database"), folders, strict=False):
            room = disk.free(folder)
            if room is not None:
                free.add_metric([name], room)
        yield free
        pool = GaugeMetricFamily(
            "bantin_database_connections",
            "Connections of this process to its database.",
            labels=["pool", "state"],
        )
        most = GaugeMetricFamily(
            "bantin_database_connections_max",
            "How many there may be at most; who needs one more waits.",
            labels=["pool"],
        )
        for name, use in self._service.store.pools().items():
            pool.add_metric([name, "in_use"], use.in_use)
            pool.add_metric([name, "idle"], use.idle)
            most.add_metric([name], use.most)
        yield from (pool, most)

    def _counted(self) -> Iterator[Metric]:
        counts = self._service.counted.now()
        yield from _jobs(counts.jobs.items())
        yield _counter(
            "bantin_polls",
            "Polls of sources by what came of them: ok (changed or "
            "not), lost (another process took the source over), or the kind of error.",
            "outcome",
            counts.polls.items(),
        )
        yield CounterMetricFamily(
            "bantin_article_pages",
            "Articles' own pages that were read, or tried in vain.",
            value=counts.pages,
        )
        yield CounterMetricFamily(
            "bantin_entries",
            "New entries that were stored, those that were refused with a reason included.",
            value=counts.entries,
        )
        yield _histogram(
            "bantin_news_collected_seconds",
            "From an article's publication, as its "
            "outlet dates it, to our first sight. What a source had when it was "
            "first collected is left out.",
            counts.collected,
        )
        yield _histogram(
            "bantin_news_mailed_seconds",
            "From our first sight of an article to the "
            "relay's word that it takes the mail, once for each article and mail; "
            "waiting for the digest's hour included.",
            counts.mailed,
        )
        mails = CounterMetricFamily(
            "bantin_mails",
            "Mails that came to a state, by relay (empty: none was asked) and kind.",
            labels=["relay", "state", "kind"],
        )
        for labels, number in sorted(counts.mails.items()):
            mails.add_metric(labels, number)
        yield mails
        yield _histogram(
            "bantin_mail_accepted_seconds",
            "From the instant that a mail is dated, "
            "the cut of its edition, to the relay's word that it takes it.",
            counts.accepted,
        )


def _jobs(jobs: Iterable[tuple[str, JobCounts]]) -> Iterator[Metric]:
    took = HistogramMetricFamily(
        "bantin_job_run_seconds", "Runs of each job, and how long they took.", labels=["name"]
    )
    failed = CounterMetricFamily(
        "bantin_job_failures", "Runs of each job that failed.", labels=["name"]
    )
    failing = GaugeMetricFamily(
        "bantin_job_failing_runs",
        "How many runs of the job have failed one after another until now.",
        labels=["name"],
    )
    ended = GaugeMetricFamily(
        "bantin_job_last_end_timestamp_seconds",
        "When the job's last run ended, since the epoch; missing before its first.",
        labels=["name"],
    )
    for name, job in jobs:
        took.add_metric([name], *_filled(job.seconds))
        failed.add_metric([name], job.failed)
        failing.add_metric([name], job.failing)
        if job.ended_at is not None:
            ended.add_metric([name], job.ended_at.timestamp())
    yield from (took, failed, failing, ended)


def _of_rows(rows: Rows, relays: Iterable[str]) -> Iterator[Metric]:
    now = rows.read_at
    states = {**dict.fromkeys(SOURCE_STATES, 0), **rows.sources.by_state}
    yield _labelled(
        "bantin_sources", "Sources that are not retired, by state.", "state", states.items()
    )
    yield _gauge("bantin_sources_due", "Sources that could be asked now.", rows.sources.due)
    oldest = rows.sources.oldest_due
    yield _gauge(
        "bantin_sources_oldest_due_seconds",
        "For how long the first of them has been due; 0: none is.",
        0 if oldest is None else (now - oldest).total_seconds(),
    )
    yield _gauge(
        "bantin_article_pages_waiting", "Articles' own pages still to be read.", rows.pages
    )
    yield _gauge("bantin_articles", "Articles that are stored.", rows.articles)
    yield _gauge(
        "bantin_articles_unjudged",
        "Articles that wait until it is judged which story they tell.",
        rows.unjudged,
    )
    yield _gauge(
        "bantin_articles_unindexed", "Articles that wait for the search index.", rows.unindexed
    )
    yield _processes(rows)
    yield from _mails(rows)
    yield from _relays(rows, relays)
    yield from _destinations(rows)


def _processes(rows: Rows) -> Metric:
    """A process that was started again under its name is not gone, though its earlier self is."""
    last = {(one.machine, one.name): one for one in rows.processes}  # the latest start comes last
    states = Counter(
        (one.role, "gone" if is_gone(one, rows.read_at) else "seen") for one in last.values()
    )
    family = GaugeMetricFamily(
        "bantin_processes",
        "Processes that share this database, by role: seen lately, or gone unannounced. All 0 "
        "where one process does all.",
        labels=["role", "state"],
    )
    for role, state in product(Role, ("seen", "gone")):
        family.add_metric([role, state], states[role, state])
    return family


def _mails(rows: Rows) -> Iterator[Metric]:
    number = dict.fromkeys([(kind, state) for kind in MAIL_KINDS for state in MAIL_STATES], 0)
    number.update({(one.kind, one.state): one.number for one in rows.mails})
    queue = GaugeMetricFamily(
        "bantin_mail_queue",
        "Deliveries that are not final, by kind and state.",
        labels=["kind", "state"],
    )
    for labels, value in number.items():
        queue.add_metric(labels, value)
    yield queue
    waiting = [one.first_due for one in rows.mails if one.state in {"planned", "deferred"}]
    late = max((rows.read_at - at).total_seconds() for at in waiting) if waiting else 0
    yield _gauge(
        "bantin_mail_oldest_due_seconds",
        "For how long the first mail that has not gone out has been due; 0: none is.",
        max(0, late),
    )
    yield _gauge(
        "bantin_mail_uncertain",
        "Mails that wait for a person's decision: the relay had "
        "the whole mail and its answer was lost.",
        rows.uncertain,
    )
    yield _gauge(
        "bantin_mail_held",
        "1 while nothing is planned and sent since the store was restored from a backup, else 0.",
        rows.held,
    )
    reviewed = GaugeMetricFamily(
        "bantin_editions_in_review",
        "Editions that were frozen and have not gone, by what their editors said.",
        labels=["state"],
    )
    for state in REVIEW_STATES:
        reviewed.add_metric([state], rows.reviews.get(state, 0))
    yield reviewed
    yield _gauge(
        "bantin_editions_review_overdue",
        "Of these, editions whose hour has passed: their readers wait for an editor's word.",
        rows.reviews_overdue,
    )
    if rows.uncertain_since is not None:
        yield _gauge(
            "bantin_mail_uncertain_since_timestamp_seconds",
            "Since when the first of them is uncertain; missing where none is.",
            rows.uncertain_since.timestamp(),
        )


def _destinations(rows: Rows) -> Iterator[Metric]:
    yield _gauge(
        "bantin_mail_destinations_resting",
        "Providers that readers' mails wait for: they refuse us or slow us down.",
        rows.resting,
    )
    yield _labelled(
        "bantin_mail_returned",
        "Mails that came back within 24 hours after a relay had taken them: hard and soft bounces, "
        "complaints, and refusals of our sender or of that mail.",
        "kind",
        rows.returned.items(),
    )


def _relays(rows: Rows, names: Iterable[str]) -> Iterator[Metric]:
    failing = GaugeMetricFamily(
        "bantin_relay_failing",
        "1 while the relay takes no mail from us, 0 while it does or was never tried.",
        labels=["relay"],
    )
    since = GaugeMetricFamily(
        "bantin_relay_failing_since_timestamp_seconds",
        "Since when it has taken none; missing where it does.",
        labels=["relay"],
    )
    found = {one.name: one.failing_since for one in rows.relays}
    for name in names:
        at = found.get(name)
        failing.add_metric([name], at is not None)
        if at is not None:
            since.add_metric([name], at.timestamp())
    yield from (failing, since)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _labelled(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def _counter(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def _histogram(name: str, text: str, buckets: Buckets) -> Metric:
    filled, total = _filled(buckets)
    return HistogramMetricFamily(name, text, buckets=filled, sum_value=total)


def _filled(buckets: Buckets) -> tuple[list[tuple[str, float]], float]:
    """Buckets as Prometheus has them: each holds all that is smaller, too; and the sum."""
    bounds = [*map(floatToGoString, buckets.bounds), "+Inf"]
    return list(zip(bounds, map(float, accumulate(buckets.counts)), strict=True)), buckets.total
