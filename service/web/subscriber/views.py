"""What the templates of sign-up to goodbye are given. Names here are a promise to restylers.

Paths are on the site; `url(path)` makes links of them. Instants are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

HONEYPOT = "leave_empty"
"""A field that people do not see: what is written into it was written by a program. Its name is
none that a browser would fill in by itself."""


@dataclass(frozen=True, slots=True)
class FormOption:
    """One box or circle to tick."""

    value: str
    label: str
    checked: bool


@dataclass(frozen=True, slots=True)
class SignupForm:
    """The sign-up page. `rhythm` in words, `latest` the page of the last edition or None.

    `topics` and `cadences` are empty where nothing is asked. `problem` is the key of a sentence
    ("signup.fault.address"), None at first; `note` is one of something to know beforehand. `token`
    goes back with the form, and so do the reader's `language` and the address to `return_to`, of a
    form that stood on another site's page; None elsewhere.
    """

    digest: str
    title: str
    path: str
    rhythm: str
    latest: str | None
    topics: tuple[FormOption, ...]
    cadences: tuple[FormOption, ...]
    address: str
    token: str
    problem: str | None = None
    note: str | None = None
    language: str | None = None
    return_to: str | None = None


@dataclass(frozen=True, slots=True)
class SignupSent:
    """The page after sign-up. `fields` are sent again by its buttons, as they were.

    `later`: when the mail goes out, where too many wait for theirs; None = at once.
    """

    address: str
    sender: str
    days: int
    path: str
    fields: tuple[tuple[str, str], ...]
    later: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mine:
    """A subscription as its owner sees it. `address` is masked: mails are forwarded.

    `next_mail` None: the digest is not sent any more, or nothing is active.
    """

    title: str
    address: str
    next_mail: datetime | None
    confirm: str
    preferences: str
    unsubscribe: str
    signup: str


@dataclass(frozen=True, slots=True)
class PreferencesForm:
    """The preferences. `hours` is empty where no hour can be chosen.

    `paused_to` is the last day of a pause as "2026-12-24" ("" = none), `first_day` and `last_day`
    are what may be chosen. `paused`: the last day of the pause that is on, None = none.
    """

    topics: tuple[FormOption, ...]
    cadences: tuple[FormOption, ...]
    hours: tuple[FormOption, ...]
    pause: str
    paused_to: str
    first_day: str
    last_day: str
    paused: datetime | None
    pause_days: int
    saved: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxMailView:
    """A mail of the outbox. `html_path` is the address of its HTML part, for a frame."""

    key: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html_path: str
