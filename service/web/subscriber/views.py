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
class DigestForm:
    """What may be set for one digest. `hours` is empty where no hour can be chosen.

    `pause` is "", "days" or "until", `paused_to` the last day of a pause as "2026-12-24" ("" =
    none), `first_day` and `last_day` are what may be chosen.
    """

    topics: tuple[FormOption, ...]
    cadences: tuple[FormOption, ...]
    hours: tuple[FormOption, ...]
    pause: str
    paused_to: str
    first_day: str
    last_day: str
    pause_days: int


@dataclass(frozen=True, slots=True)
class DigestSection:
    """A digest in the preferences. `form` None: it is not sent any more.

    `paused`: the last day of the pause that is on, None = none. `unsubscribe` is a path.
    """

    digest: str
    title: str
    next_mail: datetime | None
    paused: datetime | None
    unsubscribe: str
    form: DigestForm | None


@dataclass(frozen=True, slots=True)
class FormGroup:
    """Options that belong together, such as the cities of a region."""

    label: str
    options: tuple[FormOption, ...]


@dataclass(frozen=True, slots=True)
class PreferencesForm:
    """The preferences of all digests of an address; the one of the link stands first.

    `zones` has none checked where the site's (`site_zone`) counts; `languages` is empty where there
    is one. `sent`: there is something to save. `problem` is the key of a sentence about the digest
    of the title `about` ("" = of all).
    """

    digests: tuple[DigestSection, ...]
    zones: tuple[FormGroup, ...]
    site_zone: str
    languages: tuple[FormOption, ...]
    sent: bool
    saved: bool
    problem: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class OwnView:
    """The page of an address and its data. `address` is whole: its link was mailed to it.

    `typed` and `problem`, the key of a sentence, where something was filled in that cannot be.
    `active`: something is sent to it.
    """

    path: str
    address: str
    typed: str
    problem: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class MovingView:
    """A change of address as the new one sees it. `to` is that one, masked; `done`: it is made."""

    path: str
    to: str
    done: bool


@dataclass(frozen=True, slots=True)
class OutboxMailView:
    """A mail of the outbox. `html_path` is the address of its HTML part, for a frame."""

    key: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html_path: str
