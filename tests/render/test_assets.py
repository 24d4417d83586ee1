"""Style sheet and icons: an admin's first, nothing outside their folder, readable in the dark."""

from __future__ import annotations

import re
import struct
import zlib

import pytest

from service.render import icon
from service.render.assets import Assets, media_type
from service.render.colour import (
    DARK_GROUND,
    READABLE,
    WHITE,
    contrast,
    readable,
    readable_on_white,
)
from service.render.engine import shipped_templates
from tests.levels import table

SHIPPED = shipped_templates()


def _pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height, and the decompressed rows of a PNG with one IDAT."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    return width, height, zlib.decompress(png[start + 4 : start + 4 + length])


def test_the_icons_are_the_ones_that_our_script_draws():
    assert _pixels((SHIPPED / "assets" / "icon-144.png").read_bytes()) == _pixels(icon.png(144))
    assert _pixels((SHIPPED / "assets" / "icon-512.png").read_bytes())[:2] == (512, 512)
    favicon = (SHIPPED / "assets" / "favicon.ico").read_bytes()
    assert struct.unpack("<HHH", favicon[:6]) == (0, 1, 3)
    assert [entry[0] for entry in struct.iter_unpack("<B15x", favicon[6:54])] == [16, 32, 48]


def test_what_there_is():
    names = Assets([SHIPPED], "#0b57a4").names()
    assert {"site.css", "icon-512.png", "icon-144.png", "favicon.ico"} <= set(names)


def test_an_admins_own_file_wins(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "icon-512.png").write_bytes(b"own")
    (tmp_path / "assets" / "map.svg").write_bytes(b"<svg/>")
    assets = Assets([tmp_path, SHIPPED], "#0b57a4")
    assert assets.get("icon-512.png") == b"own"
    assert "map.svg" in assets.names()
    assert assets.get("icon-144.png") is not None


@table(
    "name",
    ["../words/vi.toml", "none.png", "", ".", "a/b.css", "site.css\0", "x.py", "/etc/passwd"],
)
def test_nothing_else_is_given_away(name):
    assert Assets([SHIPPED], "#0b57a4").get(name) is None


def test_types():
    assert media_type("site.css") == "text/css; charset=utf-8"
    assert media_type("favicon.ico") == "image/vnd.microsoft.icon"
    assert media_type("x.exe") is None


@table("accent", ["#0b57a4", "#b3261e", "#000000", "#767676", "#00551a"])
def test_the_accent_can_be_read_in_the_light_and_in_the_dark(accent):
    css = (Assets([SHIPPED], accent).get("site.css") or b"").decode()
    light, dark = re.findall(r"--accent:\s*(#\w+)", css)[-2:]
    assert light == accent
    assert contrast(dark, DARK_GROUND) >= READABLE


def test_the_quiet_colours_of_the_style_sheet_can_be_read():
    css = (SHIPPED / "assets" / "site.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark", 1)
    for part in (light, dark.split("}", 2)[0]):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part))
        for ground in ("ground", "panel"):
            for text in ("text", "quiet", "good", "bad"):
                assert contrast(colours[text], colours[ground]) >= READABLE
    assert DARK_GROUND in dark, "the ground that accents are measured against is the page's"


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", WHITE) == pytest.approx(21)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.01)
    assert contrast(WHITE, WHITE) == 1
    assert contrast(readable_on_white("#ffcc00"), WHITE) >= READABLE
    assert readable("#ffffff", DARK_GROUND) == "#ffffff"
