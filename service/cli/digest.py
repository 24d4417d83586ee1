"""`bantin digest` previews a digest's mail, sends what is due, reports what became of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

import click

from service.audience.address import normal
from service.cli.grouping import CommandGroup
from service.cli.mailing.review import review
from service.cli.opening import ids_of, instant, known, opened, opened_to_look
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    local,
    number,
    printable,
    progress,
    raw,
    say,
    warn,
)
from service.cli.reports import stands, tell_digests, tell_editions
from service.errors import UsageError
from service.mail.drain import Drained
from service.mail.outbox import html_of
from service.model import DeliveryState
from service.newsletter.previews.preview import Preview
from service.newsletter.previews.preview import preview as make_preview
from service.newsletter.run import Planned
from service.report import digest_list, edition_report, reviews
from service.report.reviews import ReviewStanding
from service.runtime import pipeline
from service.store import status_counts
from service.store.core import hold, private_files


@click.group(cls=CommandGroup)
def digest() -> None:
    """List digests; preview and send their mail; report what became of their editions."""


digest.add_command(review)


@digest.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List the digests: rhythm, next cut, readers, what their mails wait for, and open reviews.

    The next cut is the earliest of its readers'. Writes nothing.
    """
    with opened_to_look(config) as service:
        zone = service.settings.zone
        with service.store.read() as connection:
            found = digest_list.listed(
                service.settings,
                status_counts.digests(connection),
                reviews.standings(connection, service.clock(), service.settings),
            )
    if as_json:
        dump([digest_list.as_json(one) for one in found])
    else:
        tell_digests(found, zone)


@digest.command()
@click.argument("name", metavar="ID", shell_complete=ids_of("digest"))
@click.option("--to", metavar="ADDRESS", help="The mail as this subscriber would get it.")
@click.option("--at", metavar="TIME", help="As of TIME: ISO 8601, or 7d for seven days ago.")
@click.option("--sample", is_flag=True, help="Use the newest stories if there is no news to send.")
@click.option("--raw", "as_bytes", is_flag=True, help="Print the bytes; the default in a pipe.")
@click.option("--open", "in_browser", is_flag=True, help="Show the HTML part in a browser.")
@config_option
@json_option
def preview(
    name: str, to: str | None, at: str | None, sample: bool, as_bytes: bool, in_browser: bool,
    config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Show the exact mail that would go out.

    On a terminal this prints its headers and its text part, in a pipe (or with --raw) all of it,
    byte for byte. If there is no mail, the reason goes to standard error. Exit 1 if ADDRESS does
    not get the digest. Writes nothing but var/preview.html for --open.
    """
    with opened_to_look(config) as service:
        found = make_preview(
            service.store,
            service.settings,
            service.renderer,
            service.clock(),
            name,
            to=_address(to),
            at=instant(service, at),
            sample=sample,
        )
        cut = local(found.cut_at, service.settings.zone)
        shown = service.settings.var / "preview.html"
    if as_json:
        dump(_preview(found))
    elif found.message is None:
        warn(found.reason)
    elif as_bytes or not (in_browser or sys.stdout.isatty()):
        raw(found.message)
    elif not in_browser:
        _read_out(found.message)
    if in_browser and found.message is not None:
        started = _show(found.message, shown)
        how = "opened in a browser" if started else f"no browser could be started: open {shown}"
        stories = number(found.stories, "story")
        warn(f"{printable(found.subject)}: cut {cut}, {stories}, {how}")


def _address(to: str | None) -> str | None:
    try:
        return None if to is None else normal(to)
    except ValueError as error:
        raise UsageError(f"--to {to!r} is not an address: {error}") from error


def _preview(found: Preview) -> dict[str, object]:
    return {
        "digest": found.digest,
        "cadence": found.cadence,
        "cut_at": found.cut_at,
        "to": found.to,
        "subject": found.subject,
        "stories": found.stories,
        "message": None if found.message is None else found.message.decode(),
        "reason": found.reason,
    }


def _read_out(message: bytes) -> None:
    """Headers and text, as a mail program without HTML would show them."""
    read = BytesParser(policy=policy.default).parsebytes(message)
    for name, value in read.items():
        if name == "MIME-Version" or name.startswith("Content-"):
            continue  # how it is packed, which nobody reads
        say(click.style(f"{name}: ", dim=True) + printable(str(value)))
    text = read.get_body(("plain",))
    assert text is not None
    say()
    for line in text.get_content().splitlines():
        say(printable(line))
    warn("--raw prints the bytes, --open shows the HTML part in a browser")


def _show(message: bytes, path: Path) -> bool:
    """Write the HTML part over `path`, private, and show it; False where no browser starts.

    Browsers read it after this command has ended, so it stays until the next preview.
    """
    html = html_of(BytesParser(policy=policy.default).parsebytes(message))
    private_files.make_folder(path.parent)
    private_files.make_file(path)
    path.write_bytes(html.encode())
    return click.launch(path.as_uri()) == 0


@digest.command()
@click.argument("name", metavar="ID", shell_complete=ids_of("digest"))
@click.option("--at", metavar="TIME", help="As of TIME; a future TIME needs the outbox.")
@config_option
@json_option
def send(name: str, at: str | None, config: Path, as_json: bool) -> None:
    """Plan and send a digest's mails that are due. Safe to repeat: nothing is sent twice.

    Exit 1 if anything is left deferred, uncertain or rejected by our fault. Writes the store, and
    var/outbox where no relay is configured.
    """
    with opened(config) as service, progress("sending", shown=not as_json):
        until = instant(service, at)
        planned = asyncio.run(pipeline.plan(service, digest=name, at=until))
        drained = asyncio.run(pipeline.send(service, digest=name))
        where = "the outbox var/outbox" if not service.settings.mail.relay else "the relay"
        zone = service.settings.zone
        with service.store.read() as connection:
            rows = status_counts.digests(connection)
            held = hold.held_since(connection)
            found = reviews.standings(connection, service.clock(), service.settings)
            waiting = [one for one in found if one.review.digest == name]
        next_cut = next((row.next_cut_at for row in rows if row.name == name), None)
        now = service.clock()
    complete = drained.complete and not planned.failed
    if as_json:
        dump(_sent(name, planned, drained, complete=complete))
    else:
        _tell_sent(planned, drained, where)
        if held is None and not (planned.editions or planned.deliveries or planned.failed):
            _tell_why(waiting, next_cut, now, zone)
    if not complete:
        fail()


def _sent(name: str, planned: Planned, drained: Drained, *, complete: bool) -> dict[str, object]:
    return {
        "digest": name,
        "editions": planned.editions,
        "planned": planned.deliveries,
        "failed": planned.failed,
        "deliveries": _by_state(drained.counts),
        "left": _by_state(drained.left),
        "paused": dict(drained.paused),
        "resting": dict(drained.resting),
        "complete": complete,
    }


def _tell_sent(planned: Planned, drained: Drained, where: str) -> None:
    for edition, reason in planned.failed.items():
        warn(f"{edition}: {printable(reason)}")
    for relay, reason in drained.paused.items():
        warn(f"relay {relay}: {printable(reason)}")
    for destination, reason in drained.resting.items():
        warn(f"mails to {destination} wait: {printable(reason)}")
    counts = _by_state(drained.counts)
    said = ", ".join(f"{number} {state}" for state, number in counts.items())
    say(f"{number(planned.editions, 'edition')} cut, {number(planned.deliveries, 'mail')} planned")
    say(f"handed to {where}: {said or 'nothing was due'}")
    left = {state: number for state, number in _by_state(drained.left).items() if number}
    if left:
        say("left: " + ", ".join(f"{number} {state}" for state, number in left.items()))


def _tell_why(
    waiting: Sequence[ReviewStanding], next_cut: datetime | None, now: datetime, zone: str
) -> None:
    """Why nothing was planned. `waiting`: editions that are under review."""
    for one in waiting:
        say(f"the edition of {local(one.review.cut_at, zone)}: {stands(one, zone)}")
    if waiting:
        return
    if next_cut is None:
        say("no edition is due: it has no readers")
    else:
        ahead = f": its next cut is {local(next_cut, zone)}" if next_cut > now else ""
        say(f"no edition is due{ahead}")


def _by_state(counts: Mapping[DeliveryState, int]) -> dict[str, int]:
    return {str(state): number for state, number in counts.items()}


@digest.command()
@click.argument("name", metavar="ID", shell_complete=ids_of("digest"))
@click.option("--cut", metavar="TIME", help="Only the edition that was cut at TIME.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="The newest so many.",
)
@click.option("--topics", "by_topic", is_flag=True, help="How late the news was, by topic.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, a line for each edition or topic.")
@config_option
@json_option
def report(
    name: str, cut: str | None, limit: int, by_topic: bool, as_csv: bool, config: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Report what became of each edition's mails, who left because of it, and how late it was.

    Each planned mail is in one column from "waiting" to "dropped". "Left" are readers who said
    goodbye after the relay had taken this edition's mail for them and before their next one. All
    of it comes from the service's own rows: mails have no tracking. Writes nothing.
    """
    if as_csv and as_json:
        raise UsageError("--csv or --json, not both")
    with opened_to_look(config) as service:
        at, zone = instant(service, cut), service.settings.zone
        with service.store.read() as connection:
            found = edition_report.of_digest(connection, name, limit=limit, cut_at=at)
        if not found:
            known(service, "digest", name)  # one that was removed has its editions still
    if as_json:
        dump([edition_report.as_json(one) for one in found])
    elif as_csv:
        written = edition_report.topics_as_csv if by_topic else edition_report.as_csv
        raw(written(found).encode())
    else:
        tell_editions(found, zone, by_topic=by_topic)
