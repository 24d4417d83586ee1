"""Whatever stands in the file: faults with places, never an exception."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.config import shape
from service.config.loading import Examined, examine
from service.config.schema import Settings

OFFICE = """include = ["feeds/*.toml"]
log = { level = "info", format = "auto" }
[site]
title = "Tin Khoa giáo"
base_url = "https://tin.example.vn"
timezone = "Asia/Ho_Chi_Minh"
[branding]
accent = "#b3261e"
links = [
  { title = "Cổng tỉnh", url = "https://example.vn" },
]
[collect]
interval = { min = "15m", max = "12h" }
per_site.delay = "2s"
allow_networks = ["10.0.0.0/8"]
[mail]
from = "Tin <tin@example.vn>"
relay.chinh = { host = "smtp.example.vn", password = { env = "PW" }, rate = "10/s" }
[source.cong-tinh]
kind = "page"
url = "https://tinh.example.vn/tin-tuc"
page = { entry = "article", title = "h3 a" }
topics = ["giao-duc"]
auth = { username = "tin", password = { env = "PW" } }
headers = { "X-Key" = "k", Accept-Language = "vi" }
proxy = "http://10.0.0.1:3128"
[topic.giao-duc]
any = ["giáo dục", "học sinh"]
not_sources = ["cong-tinh"]
[digest.tuan]
topics = ["giao-duc"]
day = "monday"
stories = { min = 3, max = 20 }
"""
LINES = OFFICE.splitlines(keepends=True)


def examined(content: bytes, **environ: str) -> Examined:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bantin.toml"
        path.write_bytes(content)
        found = examine(path, {"PW": "x", **environ})
    lines = content.count(b"\n") + 1
    for fault in (*found.faults, *found.warnings):
        assert fault.problem
        assert fault.line is None or 1 <= fault.line <= lines
    return found


def test_the_whole_has_no_fault():
    assert examined(OFFICE.encode()).faults == ()


@given(st.integers(0, len(OFFICE)), st.integers(0, 40), st.text("[]{}=\"'#.\n,\\ a1-é", max_size=6))
def test_a_piece_lost_or_scribbled_over(at, length, scribble):
    examined((OFFICE[:at] + scribble + OFFICE[at + length :]).encode())


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_lines_in_any_order(lines):
    examined("".join(lines).encode())


@given(st.binary(max_size=80))
def test_bytes(content):
    examined(content)


def keys() -> list[tuple[str, ...]]:
    """The path of every key of the schema, ids being "x"."""

    def under(section: type, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        found = []
        for name, field in shape.keys(section).items():
            here = (*path, name)
            found.append(here)
            if (table := shape.table_in(field.annotation)) is not None:
                found += [(*here, "x"), *under(table, (*here, "x"))]
            elif (inner := shape.section_in(field.annotation)) is not None:
                found += under(inner, here)
        return found

    return under(Settings, ())


@given(
    st.sampled_from(keys()),
    st.sampled_from(
        ["1", "-1", "1.5", "nan", "true", '""', '"x"', '" "', "[]", '["x"]', "[1]", "[[]]", "{}",
         "{ x = 1 }", "[{}]", "07:00:00", "1979-05-27", '"\\u0000"', '"🦜"', '"\\n"',
         f'"{"x" * 300}"']
    ),
)  # fmt: skip
def test_every_key_with_a_value_of_any_kind(path, value):
    *tables, key = path
    head = f"[{'.'.join(tables)}]\n" if tables else ""
    found = examined(f"{head}{key} = {value}\n".encode())
    for fault in found.faults:
        assert fault.line is not None, fault
        assert fault.remedy, fault


@given(st.sampled_from(keys()), st.text(st.characters(exclude_characters="\0"), max_size=20))
def test_every_key_from_the_environment(path, value):
    examined(b"", **{f"BANTIN_{'__'.join(path).upper()}": value})
