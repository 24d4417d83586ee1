"""Addresses go, and what only looks like one to a careless eye stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.text.redaction import without_addresses
from tests.levels import table

MESSAGE_ID = "k3wq" * 8 + "@tin.example.vn"


@table(
    ("said", "kept"),
    [
        ("550 5.1.1 <minh@example.vn>: unknown", "550 5.1.1 <[address]>: unknown"),
        ("550 MINH+tin@EXAMPLE.VN", "550 [address]"),
        ("rcpt to:<straße@ví-dụ.vn>, size 3", "rcpt to:<[address]>, size 3"),
        ('"minh@example.vn", (lan@example.vn);', '"[address]", ([address]);'),
        (f"250 queued {MESSAGE_ID}", f"250 queued {MESSAGE_ID}"),
        ("451 try again @ noon", "451 try again @ noon"),
        ("no address here", "no address here"),
    ],
)
def test_an_address_goes_in_any_brackets(said, kept):
    assert without_addresses(said) == kept


@given(st.from_regex(r"[a-z0-9.+_-]{1,20}", fullmatch=True), st.text(" <>()\"',;:[]", max_size=4))
def test_no_address_is_left_between_marks(local, around):
    address = f"{local}@example.vn"
    assert address not in without_addresses(f"550 {around}{address}{around[::-1]} unknown")
