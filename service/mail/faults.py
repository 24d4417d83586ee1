"""What is wrong with the configuration of mail. runtime/check finds the file and the line."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from service.config.schema import Mail, Relay, Settings
from service.errors import Finding, MailError
from service.mail.personal import mailbox
from service.mail.returned import return_path
from service.mail.security import is_loopback
from service.text.web.ip_literal import literal

_NO_HOST = re.compile(r"[\s/:@]")
_WITH_PORT = re.compile(
    r"(?:[a-z+]+://)?(?P<host>[^\s/:@\[\]]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?/?"
)

_EXAMPLE = 'write "Title <name@example.org>"'


def faults(settings: Settings) -> list[Finding]:
    """Every fault of `[mail]`, and of what it needs from `[site]`."""
    mail = settings.mail
    found = [*_addresses(mail), *_bounces(mail), *_signing(mail)]
    if mail.relay:
        found += _for_relays(settings)
    for name, relay in mail.relay.items():
        found += [(("mail", "relay", name, *key), what, how) for key, what, how in _relay(relay)]
    return found


def _addresses(mail: Mail) -> list[Finding]:
    found: list[Finding] = []
    for key, written in (("from", mail.from_), ("reply_to", mail.reply_to)):
        if written is None:
            continue
        try:
            mailbox(written)
        except MailError as error:
            title = written.partition("<")[0].strip()
            quoted = "," in title and '"' not in title
            right = f"write '\"{title}\" <name@example.org>'" if quoted else _EXAMPLE
            found.append((("mail", key), str(error), right))
    return found


def _bounces(mail: Mail) -> list[Finding]:
    if mail.bounces is None:
        return []
    imap = mail.bounces.imap
    if imap is not None and (wrong := _host(imap.host)) is not None:
        return [(("mail", "bounces", "imap", "host"), *wrong)]
    try:
        return_path.checked(mail.bounces.address)
    except MailError as error:
        return [(("mail", "bounces", "address"), str(error), 'write one such as "tra-ve@a.vn"')]
    return []


def _signing(mail: Mail) -> list[Finding]:
    if mail.dkim is None or mail.dkim.key.secret is None:
        return []
    # As in mail.personal: who does not sign does not load it.
    from service.mail.signing.dkim import signer_of  # noqa: PLC0415

    try:
        signer_of(mail.dkim)
    except MailError as error:
        return [(("mail", "dkim", "key"), str(error), "make one with `bantin mail keys`")]
    return []


def _for_relays(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    if settings.mail.from_ is None:
        found.append((("mail", "from"), "a relay needs an address to send from", _EXAMPLE))
    base = urlsplit(settings.site.base_url or "http://127.0.0.1")
    if base.scheme != "https" and not is_loopback(base.hostname or ""):
        problem = "mail needs an https address: one-click unsubscribing works with no other"
        found.append((("site", "base_url"), problem, "write the https address of the site"))
    return found


def _relay(relay: Relay) -> list[Finding]:
    found: list[Finding] = []
    if (wrong := _host(relay.host)) is not None:
        found.append((("host",), *wrong))
    if relay.password is not None and relay.username is None:
        found.append((("password",), "a password without a username", "add username"))
    if relay.username is not None and relay.password is None:
        remedy = 'add password = { env = "NAME" } or { file = "PATH" }'
        found.append((("username",), "a username without a password", remedy))
    return found


def _host(written: str) -> tuple[str, str] | None:
    """What is wrong with the name of a server, and what would be right; None: it may be one."""
    if literal(written) is not None or not _NO_HOST.search(written):
        return None
    right = "write a name or an address"
    if (parts := _WITH_PORT.fullmatch(written)) is not None:
        host, port = parts["host"].strip("[]"), parts["port"]
        right = f'write host = "{host}"' + (f", port = {port}" if port else "")
    return f"{written!r} is not a host", right
