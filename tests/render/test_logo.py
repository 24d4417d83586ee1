"""Which pictures may be the logo of a mail, and how large they stand in it."""

from __future__ import annotations

import struct
import zlib

import pytest

from service.config.schema import Settings
from service.render.faults import faults
from service.render.logo import MOST_BYTES, LogoError, logo_of, read, without_missing
from service.render.site_facts import site_view
from tests.levels import table


def png(size: int) -> bytes:
    """A grey square."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" + b"\x80" * 3 * size) * size)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def jpeg(width: int, height: int, *, colours: int = 3, frame: int = 0xC2) -> bytes:
    """Only as much of one as says what it is, behind a comment, a filling and a table."""
    comment = b"\xff\xfe" + struct.pack(">H", 12) + b"\xff\xc0 no frame"[:10]
    table = b"\xff\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
    size = struct.pack(">HBHHB", 8 + 3 * colours, 8, height, width, colours)
    return b"\xff\xd8" + comment + table + bytes([0xFF, frame]) + size + b"\0" * 30 + b"\xff\xd9"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"\x2c" + b"\0" * 9 + b";"


@table(
    ("data", "shown"),
    [
        (png(40), ("png", 40, 40)),
        (png(96), ("png", 48, 48)),  # twice the pixels, for good screens
        (jpeg(480, 60), ("jpeg", 240, 30)),
        (jpeg(480, 96, colours=1, frame=0xC0), ("jpeg", 240, 48)),
        (jpeg(2000, 2), ("jpeg", 240, 1)),
        (gif(300, 100), ("gif", 144, 48)),
        (gif(1, 1) + b"\0\0", ("gif", 1, 1)),
    ],
)
def test_a_logo_keeps_its_shape_and_is_never_made_larger(data, shown):
    logo = read(data)
    assert (logo.kind, logo.width, logo.height) == shown
    assert logo.cid == read(data).cid != read(png(41)).cid


@table(
    ("data", "said"),
    [
        (b"", "is no picture"),
        (b"%PDF-1.7", "is no picture"),
        (b"<svg xmlns='x'/>", "is SVG"),
        (b"  <?xml version='1.0'?><svg/>", "is SVG"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "is WebP"),
        (b"\0\0\0 ftypavif", "is AVIF"),
        (png(40)[:-20], "is a PNG that breaks off"),
        (jpeg(9, 9)[:-2], "is a JPEG that breaks off"),
        (b"\xff\xd8\xff\xc0\0\0\xff\xd9", "is a JPEG that breaks off"),
        (b"\xff\xd8" + b"\xff" * 60 + b"\xff\xd9", "is a JPEG that breaks off"),
        (jpeg(9, 9, colours=4), "(CMYK)"),
        (jpeg(9, 9, frame=0xC3), "of a kind"),
        (gif(9, 9)[:-1], "is a GIF that breaks off"),
        (gif(0, 9), "is 0 by 9 pixels"),
        (jpeg(9, 2001), "is 9 by 2001 pixels"),
        (png(40) + b"\0" * MOST_BYTES, "bytes, and every mail would carry it"),
    ],
)
def test_what_a_mail_program_would_not_show_is_refused_and_says_why(data, said):
    with pytest.raises(LogoError) as refused:
        read(data)
    assert said in str(refused.value)
    assert refused.value.remedy


def site(tmp_path, logo: str) -> Settings:
    settings = Settings.model_validate({"branding": {"logo": logo}})
    settings._root = tmp_path
    return settings


def test_check_names_the_file_and_what_would_be_right(tmp_path):
    (tmp_path / "logo.svg").write_text("<svg/>")
    (tmp_path / "logo.png").write_bytes(png(96))
    assert faults(site(tmp_path, "logo.png")) == []
    remedy = "save it as PNG, JPEG or GIF, which Outlook and Gmail show"
    assert faults(site(tmp_path, "logo.svg")) == [(("branding", "logo"), "logo.svg is SVG", remedy)]
    [(_, problem, _)] = faults(site(tmp_path, "none.png"))
    assert problem == "none.png cannot be read: No such file or directory"
    [(_, problem, _)] = faults(site(tmp_path, "."))
    assert problem == ". cannot be read: Is a directory"


def test_a_logo_that_went_missing_stops_no_mail(tmp_path):
    assert site_view(site(tmp_path, "logo.png")).logo is None
    (tmp_path / "logo.png").write_bytes(png(96))
    view = site_view(site(tmp_path, "logo.png")).logo
    assert view is not None
    assert (view.src.partition("-")[0], view.width, view.height) == ("cid:logo", 48, 48)


def test_a_picture_that_the_mail_does_not_carry_is_not_named(tmp_path):
    (tmp_path / "logo.png").write_bytes(png(96))
    logo = logo_of(tmp_path, "logo.png")
    assert logo is not None
    html = f'<td><img alt="" src="cid:{logo.cid}" width="48"></td><img src="https://x/">'
    assert without_missing(html, logo) == html
    assert without_missing(html, read(png(41))) == '<td></td><img src="https://x/">'
    assert without_missing(html, None) == '<td></td><img src="https://x/">'
