"""Whether what the DNS has under a selector fits the key that signs (RFC 6376 3.6.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.mail.signing import keys
from service.mail.signing.keys import KeyType, PrivateKey
from service.runtime.doctor import tag_list
from service.runtime.doctor.diagnosis import Diagnosis, Level

_PUBLISH = "publish the record that `bantin mail keys --show` prints"


def judge(name: str, texts: Sequence[str], key: PrivateKey) -> Diagnosis:
    """`name`: where the record stands; `texts`: the TXT records there."""
    problem = _problem(texts, key)
    if problem is not None:
        return Diagnosis("dkim", Level.FAULT, f"{name}: {problem}", _PUBLISH)
    if keys.type_of(key) is KeyType.ED25519:
        said = f"{name} fits the key, which is Ed25519: Gmail and Outlook do not verify it"
        remedy = "sign with an RSA key: `bantin mail keys --selector NAME`"
        return Diagnosis("dkim", Level.WARNING, said, remedy)
    flags = _list((tag_list.read(texts[0]) or {}).get("t", ""))
    if "y" in flags:
        said = f"{name} says that it is a test (t=y): receivers may treat mails as unsigned"
        return Diagnosis("dkim", Level.WARNING, said, "take t=y out of the record")
    return Diagnosis("dkim", Level.OK, f"{name} fits the key that signs")


def _problem(texts: Sequence[str], key: PrivateKey) -> str | None:
    if not texts:
        return "there is no record"
    if len(texts) > 1:
        return f"there are {len(texts)} TXT records where there must be one"
    tags = tag_list.read(texts[0])
    if tags is None or "p" not in tags:
        return "the record is none of a DKIM key"
    return _mismatch(tags, key)


def _mismatch(tags: dict[str, str], key: PrivateKey) -> str | None:
    published, ours = re.sub(r"\s", "", tags["p"]), keys.public(key)
    kind, version, of_kind = str(keys.type_of(key)), tags.get("v", "DKIM1"), tags.get("k", "rsa")
    hashes, services = tags.get("h", "sha256"), tags.get("s", "*")
    is_cut = published != ours and ours.startswith(published)
    checks = (
        (version != "DKIM1", f"the record begins with v={version}, not with v=DKIM1"),
        (not published, "the record has an empty p=, which says that the key is withdrawn"),
        (is_cut, f"the key is cut off after {len(published)} of {len(ours)} characters"),
        (published != ours, "the record is that of another key, so no signature verifies"),
        (of_kind.lower() != kind, f"the record says k={of_kind}, but the key is {kind}"),
        ("sha256" not in _list(hashes), f"the record says h={hashes}: we sign with sha256"),
        (not {"*", "email"} & _list(services), f"the record says s={services}: it is not for mail"),
    )
    return next((said for is_so, said in checks if is_so), None)


def _list(value: str) -> set[str]:
    return {one.strip().lower() for one in value.split(":")}
