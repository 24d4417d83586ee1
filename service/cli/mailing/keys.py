"""`bantin mail keys` makes the key that signs mails, and says what belongs into the DNS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, json_option, printable, say
from service.config.loading import examine
from service.config.schema import Settings
from service.config.values import domain_name
from service.config.values import selector as valid_selector
from service.errors import MailError, UsageError
from service.mail.personal import mailbox
from service.mail.signing import keys as signing_keys
from service.mail.signing.keys import KeyType, PrivateKey
from service.store.core import private_files

_SELECTOR = "bantin"


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose key it is, where it is kept, and which path the TOML would give it."""

    domain: str
    selector: str
    file: Path
    written: str


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--domain", help="The domain that signs; default: that of [mail] from.")
@click.option("--selector", help=f'The name of the key in the DNS; default "{_SELECTOR}".')
@click.option(
    "--type",
    "kind",
    type=click.Choice([str(kind) for kind in KeyType]),
    default=str(KeyType.RSA),
    help="rsa (2048 bits), or ed25519, which Gmail and Outlook do not verify.",
)
@click.option("--show", is_flag=True, help="Print the record of a key that is there; make none.")
@config_option
@json_option
def keys(
    file: Path | None,
    domain: str | None,
    selector: str | None,
    kind: str,
    show: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Make a key that signs mails (DKIM) and print its DNS record.

    FILE is where the key is written; default var/dkim-SELECTOR.pem beside the configuration. Only
    this user may read it, and a file that is there is never overwritten. What [mail] dkim says is
    the default of each option. Writes that file, nothing else.
    """
    log_quietly()
    settings = examine(config, environ()).settings
    place = _place(settings, config, file, domain, selector)
    key = _known(settings, place, named=file is not None) if show else _made(place, KeyType(kind))
    if as_json:
        dump(_as_json(place, key))
        return
    if not show:
        say(f"wrote {place.file}, which only this user may read")
        say()
    _tell(place, key, show=show)


def _place(
    settings: Settings | None,
    config: Path,
    file: Path | None,
    domain: str | None,
    selector: str | None,
) -> _Place:
    """Raises UsageError for a domain or a selector that is none."""
    dkim = settings.mail.dkim if settings is not None else None
    name = selector or (dkim.selector if dkim is not None else _SELECTOR)
    if domain is None:
        domain = dkim.domain if dkim is not None else _domain_of_sender(settings)
    try:
        name, domain = valid_selector(name), domain_name(domain)
    except ValueError as error:
        raise UsageError(str(error)) from None
    root = config.absolute().parent
    same = dkim is not None and dkim.selector == name
    if file is None and dkim is not None and same and dkim.key.file is not None:
        file = Path(dkim.key.file)
    target = (file or root / "var" / f"dkim-{name}.pem").absolute()
    inside = target.is_relative_to(root)
    return _Place(domain, name, target, str(target.relative_to(root) if inside else target))


def _domain_of_sender(settings: Settings | None) -> str:
    written = settings.mail.from_ if settings is not None else None
    if written is None:
        raise UsageError("there is no [mail] from whose domain could sign; name one with --domain")
    try:
        return mailbox(written)[1].rpartition("@")[2]
    except MailError as error:
        raise UsageError(f"[mail] from: {error}") from None


def _made(place: _Place, kind: KeyType) -> PrivateKey:
    """Raises UsageError where there is such a file."""
    pem = signing_keys.generate(kind)
    try:
        private_files.make_folder(place.file.parent)
        private_files.write_new(place.file, pem.encode())
    except FileExistsError:
        raise UsageError(
            f"{place.file} is there already, and is not overwritten: name another FILE or "
            f"--selector, or print its record with --show"
        ) from None
    except OSError as error:
        raise MailError(f"{place.file} cannot be written: {error.strerror}") from error
    return signing_keys.read(pem)


def _known(settings: Settings | None, place: _Place, *, named: bool) -> PrivateKey:
    """The key of the file, or of `[mail] dkim` wherever that is kept. Raises MailError."""
    dkim = settings.mail.dkim if settings is not None else None
    secret = None
    if dkim is not None and dkim.selector == place.selector and not named:
        secret = dkim.key.secret
    try:
        pem = secret.reveal() if secret is not None else place.file.read_text("ascii")
        return signing_keys.read(pem)
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "no text"
        raise MailError(f"{place.file} cannot be read: {what}") from None
    except MailError as error:
        raise MailError(f"the key {error}") from None


def _tell(place: _Place, key: PrivateKey, *, show: bool) -> None:
    name = signing_keys.record_name(place.selector, place.domain)
    value = signing_keys.record(key)
    say(f"The TXT record for the DNS of {place.domain}, as most web panels want it:")
    say(f"  name   {name}")
    say(f"  value  {value}")
    say("The same in a zone file, in strings of at most 255 bytes:")
    say(f"  {name}. IN TXT (")
    for string in signing_keys.strings(value):
        say(f'    "{string}"')
    say("  )")
    if show:
        return
    say("Once the record is visible, sign with it in [mail] of the configuration:")
    file = printable(json.dumps(place.written, ensure_ascii=False))
    say(
        f'  dkim = {{ domain = "{place.domain}", selector = "{place.selector}", '
        f"key = {{ file = {file} }} }}"
    )


def _as_json(place: _Place, key: PrivateKey) -> dict[str, object]:
    value = signing_keys.record(key)
    return {
        "file": str(place.file),
        "type": str(signing_keys.type_of(key)),
        "domain": place.domain,
        "selector": place.selector,
        "name": signing_keys.record_name(place.selector, place.domain),
        "record": value,
        "strings": signing_keys.strings(value),
    }
