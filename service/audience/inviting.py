"""Invitations: one mail to each address of a list, which asks for a yes. Never a second one.

    a line ─> suppressed, left, moved ──> no mail, named
           ─> reads or was invited ─────> no mail, counted
           ─> else ─────────────────────> an unconfirmed subscription and its mail

Nobody is made a reader by a list: the button in the mail does that, and what was shown, when, from
which list and from where the yes came is kept as the evidence (store/audience/invitations.py). Who
says nothing is forgotten after a week, and only a key remembers that they were invited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.audience import bulk, choices, lists, mails, records
from service.audience.bulk import Wanted
from service.audience.departures import departure
from service.audience.lists import LineFault
from service.audience.people import Person
from service.audience.records import What
from service.audience.signup import LINK_LASTS
from service.audience.tokens import new_token
from service.config.schema import Settings
from service.errors import UsageError
from service.model import DeliveryKind, Parts
from service.render.engine import Renderer
from service.render.marks import readable
from service.store.audience import (
    invitations,
    merging,
    signup_hours,
    subscribers,
    subscriptions,
    suppressions,
)
from service.store.audience.invitations import InvitationText, NewInvitation
from service.store.audience.signup_hours import Cap
from service.store.core import facts
from service.store.core.database import Connection, Store
from service.text import mailboxes
from service.text.web.sites import site_of

_BATCH = 200
"""Lines in one transaction: the running service writes between two of them."""

_EVERYBODY, _DOMAIN = Cap(an_hour=200, a_day=2000), Cap(an_hour=100, a_day=1000)
"""Beside those of sign-ups, which an invitation of thousands must not hold up."""

_LONGEST = signup_hours.LONGEST_QUEUE


@dataclass(frozen=True, slots=True)
class Invited:
    """How many lines. `already`: they read it, wait for a yes, or were invited before.

    `left_out`: suppressed, left by themselves, or at another address now. `barred`: suppressed now,
    as the list says. `full`: the mails of six days are used up; the same command invites them
    later. `last_at`: when the last mail goes out, None = none does.
    """

    invited: int = 0
    already: int = 0
    left_out: int = 0
    barred: int = 0
    full: int = 0
    refused: int = 0
    last_at: datetime | None = None


def invite_csv(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    now: datetime,
    lines: Iterable[str],
    told: Callable[[LineFault], None],
    *,
    list_name: str,
    digest: str | None = None,
    file: str = "",
    dry_run: bool = False,
) -> Invited:
    """Invite every good line of a list, as `import_csv` reads it; each other one is told.

    `list_name` is kept as the evidence. `dry_run`: nothing is written, and who would be invited is
    counted. Raises UsageError as `import_csv` does and for a name of control characters,
    TemplateError.
    """
    if not list_name.strip() or not list_name.isprintable():
        raise UsageError("the list needs a name of visible characters; say --list")
    texts = _InvitationMails(settings, renderer)
    done, seen = Invited(), set[bytes]()
    evidence = f"invited from {list_name}"
    for read, faults in lists.batches(
        settings, lines, evidence=evidence, digest=digest, file=file, size=_BATCH
    ):
        with store.read() if dry_run else store.ledger() as connection:
            one = _batch(connection, settings, now, read, texts, list_name, seen, dry_run=dry_run)
        for fault in sorted([*faults, *one.faults], key=lambda fault: fault.line):
            told(fault)
        done = Invited(
            done.invited + one.done.invited,
            done.already + one.done.already,
            done.left_out + one.done.left_out,
            done.barred + one.done.barred,
            done.full + one.done.full,
            done.refused + len(faults),
            max((at for at in (done.last_at, one.done.last_at) if at is not None), default=None),
        )
    return done


@dataclass(frozen=True, slots=True)
class _Batch:
    done: Invited
    faults: list[LineFault]


def _batch(
    connection: Connection,
    settings: Settings,
    now: datetime,
    wanted: Sequence[Wanted],
    texts: _InvitationMails,
    list_name: str,
    seen: set[bytes],
    *,
    dry_run: bool,
) -> _Batch:
    secret = facts.known_secret(connection) or b"" if dry_run else facts.secret(connection)
    keys = [mailboxes.key(secret, one.address) for one in wanted]
    barred = sum(not isinstance(one.what, Person) for one in wanted)
    if not dry_run:
        bulk.bar(connection, now, wanted, keys)
    lines = [(key, one) for key, one in zip(keys, wanted, strict=True)
             if isinstance(one.what, Person)]  # fmt: skip
    why, already = _not_to_invite(connection, settings, now, lines)
    faults: list[LineFault] = []
    invited = known = full = 0
    last: datetime | None = None
    for key, one in lines:
        assert isinstance(one.what, Person)
        if key in why:
            faults.append(LineFault(one.line, one.address, why[key]))
        elif key in already or key in seen:
            known += 1
        elif dry_run:
            seen.add(key)
            invited += 1
        else:
            due_at = _invite(connection, settings, secret, now, key, one.what, texts, list_name)
            if due_at is None:
                full += 1
                continue
            seen.add(key)
            invited += 1
            last = due_at if last is None else max(last, due_at)
    return _Batch(Invited(invited, known, len(faults), barred, full, 0, last), faults)


def _not_to_invite(
    connection: Connection, settings: Settings, now: datetime, lines: Sequence[tuple[bytes, Wanted]]
) -> tuple[dict[bytes, str], set[bytes]]:
    """Key -> why it gets no mail; and those that need none."""
    keys = [key for key, _ in lines]
    why = {
        key: f"must not be written to: {reason}"
        for key, reason in suppressions.among(connection, keys).items()
    }
    already = invitations.among(connection, keys)
    known = subscribers.by_keys(connection, keys)
    moved = merging.left_at(connection, known)
    standings = subscriptions.standings(connection, [who.id for who in known.values()])
    for key, one in lines:
        who = known.get(key)
        if who is None or key in why or not isinstance(one.what, Person):
            continue
        had = standings.get(who.id, ())
        left = departure(had, one.what.digest, one.what.signed_up_at, now, moved.get(key))
        if any(it.ended_at is None and it.digest == one.what.digest for it in had):
            already.add(key)
        elif left is not None:
            why[key] = f"{left.said(settings.zone)}, not invited"
    return why, already


def _invite(
    connection: Connection,
    settings: Settings,
    secret: bytes,
    now: datetime,
    key: bytes,
    person: Person,
    texts: _InvitationMails,
    list_name: str,
) -> datetime | None:
    """Plan the mail. Returns when it goes out; None: there is no room within six days."""
    domain = site_of(f"https://{person.address.rpartition('@')[2]}")
    counters = {
        mailboxes.domain_key(secret, "\0invited"): _EVERYBODY,
        mailboxes.domain_key(secret, f"\0invited {domain}"): _DOMAIN,
    }
    due_at = signup_hours.due(connection, counters, now, _LONGEST)
    if due_at is None:
        return None
    language, parts, text = texts.of(person)
    box = mailboxes.mailbox_key(secret, person.address)
    who = subscribers.put(
        connection, key, box, person.address, now, language=person.language, zone=None
    )
    token = new_token()
    assert person.cadence is not None
    subscriptions.add(
        connection,
        subscriber_id=who.id,
        digest_name=person.digest,
        token=token,
        now=due_at,  # the week of its link begins with the mail
        cadence=person.cadence,
        topics=list(person.topics) or None,
        hour=person.hour,
        zone=person.zone,
        evidence=f"{person.evidence}, {now.date()}, text {text.version}",
    )
    added = subscriptions.by_token(connection, token)
    assert added is not None
    records.changed(connection, added, now, What.INVITED, how=f"list {list_name}")
    invitations.keep_text(connection, text, now)
    new = NewInvitation(key, added.id, list_name, text.version, now)
    invitations.add_all(connection, [new])
    kind = DeliveryKind.CONFIRM
    mails.plan(connection, settings, secret, kind, added.id, parts, language, now, due_at)
    signup_hours.count(connection, counters, due_at)
    return due_at


class _InvitationMails:
    """The mail of each digest and language, rendered once."""

    def __init__(self, settings: Settings, renderer: Renderer) -> None:
        self._settings, self._renderer = settings, renderer
        self._known: dict[tuple[str, str], tuple[Parts, InvitationText]] = {}

    def of(self, person: Person) -> tuple[str, Parts, InvitationText]:
        """Its language, its parts with marks, and the words as they are kept."""
        language = mails.language_for(self._settings, self._renderer, person.language)
        found = self._known.get((person.digest, language))
        if found is None:
            title = choices.digest_title(self._settings, self._settings.digest[person.digest])
            parts = self._renderer.mail("invite", language, digest=title, days=LINK_LASTS.days)
            subject, body = readable(parts.subject), readable(parts.text)
            told = f"{language}\0{subject}\0{body}".encode()
            version = hashlib.sha256(told).hexdigest()[:16]
            found = parts, InvitationText(version, language, subject, body)
            self._known[person.digest, language] = found
        return language, *found
