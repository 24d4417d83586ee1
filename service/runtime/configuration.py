"""A hash of the configuration that a process works with: two machines with the same one agree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from service.config.schema import Settings
from service.curate.learned.in_use import LearnedModel
from service.curate.rematch import rules_hashes

SHARED = frozenset(
    {"site", "stories", "hot", "publish", "signup", "source", "topic", "synonyms", "digest"}
)
"""Sections that decide what is stored and told. The others may differ from machine to machine."""


@dataclass(frozen=True, slots=True)
class ConfigurationInUse:
    """`rules`: topic -> hash of its rules. `model`: digest of the learned one; "" without one."""

    hash: bytes
    rules: Mapping[str, bytes]
    model: str


def digest_of(model: LearnedModel | None) -> str:
    """What tells one model from another; "" where there is none."""
    return "" if model is None else model.digest


def in_use(settings: Settings, model: LearnedModel | None) -> ConfigurationInUse:
    """The configuration with this model. Secrets are not part of it."""
    rules = rules_hashes(settings, model)
    # Without defaults: a key that a later version knows, and nobody has written, changes nothing.
    said = settings.model_dump(mode="json", include=set(SHARED), exclude_defaults=True)
    told = {
        **said,
        "order": list(settings.digest),  # it decides which of two digests comes first
        "rules": {name: one.hex() for name, one in rules.items()},
    }
    data = json.dumps(told, sort_keys=True, ensure_ascii=False).encode()
    return ConfigurationInUse(
        hashlib.blake2b(data, digest_size=16).digest(), rules, digest_of(model)
    )
