"""The schema for editors says yes to what `load` accepts, and no where it can."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from service.config.json_schema import json_schema
from tests.config.conftest import MINIMAL
from tests.levels import table

SCHEMA = json_schema()


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is what the part of JSON Schema that ours uses says."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        found = sum(fits(value, one) for one in several)
        return found == 1 or (found > 1 and "anyOf" in schema)
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    return isinstance(value, KINDS[schema["type"]]) and CHECKS[schema["type"]](value, schema)


def text_fits(value: str, schema: dict[str, Any]) -> bool:
    long_enough = len(value) >= schema.get("minLength", 0)
    return long_enough and re.search(schema.get("pattern", ""), value) is not None


def number_fits(value: float, schema: dict[str, Any]) -> bool:
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


def table_fits(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    def of(key: str) -> dict[str, Any] | None:
        ids = schema.get("patternProperties", {}).items()
        with_id = next((one for pattern, one in ids if re.search(pattern, key)), None)
        return schema.get("properties", {}).get(key, with_id)

    complete = not set(schema.get("required", ())) - set(value)
    return complete and all(of(key) and fits(one, of(key)) for key, one in value.items())


KINDS = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float),
}  # fmt: skip
CHECKS = {
    "object": table_fits,
    "array": lambda value, schema: all(fits(one, schema["items"]) for one in value),
    "string": text_fits,
    "boolean": lambda _value, _schema: True,
    "integer": number_fits,
    "number": number_fits,
}


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        '[mail]\nfrom = "T <t@x.vn>"\nrelay.a = { host = "x", password = { env = "P" } }',
        '[mail.relay.a]\nhost = "x"\npassword = "plain"\nrate = "10/s"',
        '[source.a]\nurl = "https://a.vn"\nkind = "page"\npage = { entry = "li" }\nweight = 2',
        '[digest.a]\ncadence = "half-yearly"\n[digest.b]\ncadence = "0 7 * * 1-5"',
        '[digest.a]\nday = 31\nmax_lateness = "1d"\n[digest.b]\nday = "last"',
        'include = ["a/*.toml"]\nlog = { level = "debug" }\n[collect]\ninterval.min = "1h"',
    ],
)
def test_yes_to_what_is_right(text, folder):
    folder.write(text)
    folder.load(P="x")
    assert fits(tomllib.loads(text), SCHEMA)


@table(
    "text",
    [
        "[site]\ntitel = 'x'",
        "[mail]\nfrom_ = 'x'",
        "[source.A]\nurl = 'https://a.vn'",
        "[source.a]\ntitle = 'no url'",
        "[digest.a]\nat = '7:00'",
        "[mail.relay.a]\nhost = 'x'\npassword = { env = 'a', file = 'b' }",
        "[digest.a]\ncadence = 'wekly'",
        "[digest.a]\ncadences = ['weekly', 'daly']",
        "[digest.a]\ncadence = '7 * *'",
        "[log]\nlevel = 'loud'",
        "[source.a]\nurl = 'https://a.vn'\nweight = 101",
    ],
)
def test_no_to_what_is_wrong(text):
    assert not fits(tomllib.loads(text), SCHEMA)


def test_it_is_the_2020_draft_and_plain_json():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_key_is_described_and_none_is_private():
    sections = [one for one in SCHEMA["$defs"].values() if one["type"] == "object"]
    assert len(sections) > 15
    for section in [SCHEMA, *sections]:
        assert section["description"]
        for name, key in section["properties"].items():
            assert not name.startswith("_")
            assert not name.endswith("_")
            assert key["title"] == name
            if section is not SCHEMA:
                assert key["description"], f"{section['title']}.{name}"


def test_no_null_and_no_python_stands_in_it():
    text = json.dumps(SCHEMA)
    assert "null" not in text
    assert not re.search(r'"PT?\d', text)  # an ISO duration, which the TOML does not take
    assert SCHEMA["$defs"]["Interval"]["properties"]["min"]["default"] == "15m"
