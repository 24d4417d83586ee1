"""The error tree. One seam per foreign library turns its errors into these.

BantinError
├── ConfigError         the configuration has faults; nothing was started (exit 2)
├── UsageError          a name or an option that does not exist (exit 2)
├── StoreError          the database cannot be used
│   ├── StoreBusyError  another process held the write lock for longer than we wait
│   ├── ConflictError   a key that must be unique, or a row that must exist, said no
│   ├── StatementError  the database works, but refused what we asked: a fault of ours
│   └── SchemaError     its tables are those of another version of this program
├── FetchError          a source or page could not be fetched
│   ├── ForbiddenAddressError   it stands in a network that we must not enter
│   ├── TooLargeError           more bytes than we take
│   ├── RobotsError             its site's robots.txt does not let us
│   └── HttpError               it answered with a status that is not a success
├── ParseError          a document could not be understood
│   └── QuarantinedError   it killed or hung those who read it, twice
├── LearningError       topics cannot be learned from these texts, or a model cannot be read
├── StoryError          stories cannot be split or merged as asked
├── TemplateError       a template is missing, broken or used a name that is not there
├── DnsError            the DNS gave no answer, or none that can be understood
└── MailError           a message could not be built or handed over
"""

from __future__ import annotations

from dataclasses import dataclass

Finding = tuple[tuple[str | int, ...], str, str]
"""Path of a key in the TOML (a number within a list), what is wrong, what would be right."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the configuration, where it stands and what would be right.

    `file` is a path as the admin wrote it, `line` counts from 1 (None = the whole file), `key` is
    dotted ("" = none).
    """

    file: str
    line: int | None
    key: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{where}:{key} {self.problem}{remedy}"


class BantinError(Exception):
    """The base of all errors that we raise on purpose."""


class ConfigError(BantinError):
    """The configuration has faults. `faults` lists every one of them."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class UsageError(BantinError):
    """A name or an option that does not exist."""


class StoreError(BantinError):
    """The database cannot be used."""


class StoreBusyError(StoreError):
    """Another process held the write lock for longer than we wait."""


class ConflictError(StoreError):
    """A key that must be unique, or a row that must exist, said no: somebody was faster."""


class StatementError(StoreError):
    """The database works, but refused what we asked: a fault of ours."""


class SchemaError(StoreError):
    """The database's tables are those of another version of this program. Nothing was changed."""


class FetchError(BantinError):
    """A source or page could not be fetched. The text is what `bantin status` shows."""


class ForbiddenAddressError(FetchError):
    """The address stands in a network that we must not enter (private, loopback, link-local …)."""


class TooLargeError(FetchError):
    """The body has more bytes than we take."""


class RobotsError(FetchError):
    """The site's robots.txt does not let us ask, or cannot be had.

    `for_now`: it could not be had, which says nothing for good.
    """

    def __init__(self, message: str, *, for_now: bool) -> None:
        super().__init__(message)
        self.for_now = for_now


class HttpError(FetchError):
    """The server answered with a status that is not a success.

    `retry_after_s` is what Retry-After asked for in seconds, None where it said nothing; `fresh_s`
    for how long the server calls this answer fresh. `for_good`: it speaks for the address that was
    asked, not for one that a passing redirect led to.
    """

    def __init__(
        self,
        status: int,
        message: str,
        retry_after_s: float | None = None,
        *,
        fresh_s: float | None = None,
        for_good: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.fresh_s = fresh_s
        self.for_good = for_good


class ParseError(BantinError):
    """A document could not be understood. The text is what `bantin status` shows."""


class QuarantinedError(ParseError):
    """The document killed or hung its reader twice. It is not read again until it changes."""


class DriftError(ParseError):
    """What used to give entries gives none: its layout has changed."""


class LearningError(BantinError):
    """Topics cannot be learned from what was given, or a learned model cannot be read."""


class StoryError(BantinError):
    """Stories cannot be split or merged as asked. The text names them and says what can be done."""


class TemplateError(BantinError):
    """A template is missing, broken or used a name that is not there.

    `name`: of the file below templates/, "" = it is not known; `line` counts from 1.
    """

    def __init__(self, text: str, name: str = "", line: int | None = None) -> None:
        super().__init__(text)
        self.name, self.line = name, line


class NotSubscribedError(BantinError):
    """A mail was asked for in the name of somebody who does not get it."""


class DnsError(BantinError):
    """The DNS gave no answer, or none that can be understood."""


class MailError(BantinError):
    """A message could not be built or handed over."""


def first_of(errors: ExceptionGroup[Exception]) -> Exception:
    """The first error of a group, or of the group that stands first in it."""
    error: Exception = errors
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
