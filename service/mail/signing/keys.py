"""Private keys that sign mail: reading one, making one, and the DNS record of its public half.

RSA by RFC 6376 with the sizes of RFC 8301, Ed25519 by RFC 8463.
"""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from service.errors import MailError

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS = 2048
"""What verifiers ask for (RFC 8301 3.2), and what is made."""

_MOST_BITS = 4096
"""The largest key that each verifier must be able to use (RFC 8301 3.2)."""

_STRING_BYTES = 255
"""Of one character-string in a TXT record (RFC 1035 3.3)."""

_RSA_PADDING, _SHA256 = PKCS1v15(), hashes.SHA256()


class KeyType(StrEnum):
    """The value of `k=` in the DNS record."""

    RSA = "rsa"
    ED25519 = "ed25519"


def generate(kind: KeyType) -> str:
    """A new private key as PEM (PKCS #8, not encrypted); RSA with 2048 bits."""
    made: PrivateKey
    if kind is KeyType.RSA:
        made = generate_private_key(65537, RSA_BITS)
    else:
        made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read(pem: str) -> PrivateKey:
    """The key of a PEM text. Raises MailError, which does not show it, for one that cannot sign."""
    if "-----BEGIN PUBLIC KEY" in pem:
        raise MailError("is the public half of a key")
    try:
        # The whole validation of an RSA key takes 50 ms; signing something shows the same below.
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        raise MailError("is encrypted with a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise MailError("is no private key in PEM form") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise MailError("is neither an RSA nor an Ed25519 key")
    if isinstance(key, RSAPrivateKey) and not RSA_BITS <= key.key_size <= _MOST_BITS:
        raise MailError(f"is an RSA key of {key.key_size} bits, not of {RSA_BITS} to {_MOST_BITS}")
    _try(key)
    return key


def type_of(key: PrivateKey) -> KeyType:
    return KeyType.RSA if isinstance(key, RSAPrivateKey) else KeyType.ED25519


def sign(key: PrivateKey, data: bytes) -> bytes:
    """The signature of `data`: the same each time. `rsa-sha256` or `ed25519-sha256`."""
    if isinstance(key, RSAPrivateKey):
        return key.sign(data, _RSA_PADDING, _SHA256)
    return key.sign(_digest(data))


def public(key: PrivateKey) -> str:
    """The value of `p=`: base64 of SubjectPublicKeyInfo for RSA, of the bare key for Ed25519."""
    half = key.public_key()
    if isinstance(key, RSAPrivateKey):
        data = half.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        data = half.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b64encode(data).decode()


def record(key: PrivateKey) -> str:
    """The whole value of the TXT record, in one piece."""
    return f"v=DKIM1; k={type_of(key)}; p={public(key)}"


def record_name(selector: str, domain: str) -> str:
    """Where the record stands in the DNS, without a dot at its end (RFC 6376 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def strings(value: str) -> list[str]:
    """The value cut into the strings of a TXT record, which hold 255 bytes each."""
    return [value[at : at + _STRING_BYTES] for at in range(0, len(value), _STRING_BYTES)]


def _digest(data: bytes) -> bytes:
    """RFC 8463 3: Ed25519 signs the SHA-256 of the data."""
    made = hashes.Hash(_SHA256)
    made.update(data)
    return made.finalize()


def _try(key: PrivateKey) -> None:
    try:
        signature = sign(key, b"")
        if isinstance(key, RSAPrivateKey):
            key.public_key().verify(signature, b"", _RSA_PADDING, _SHA256)
        else:
            key.public_key().verify(signature, _digest(b""))
    except (InvalidSignature, ValueError):
        raise MailError("is damaged: what it signs does not verify") from None
