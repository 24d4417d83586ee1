"""The short ways for ordinary addresses give what the long ways give."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.text.web.canonical import canonical
from service.text.web.plain_addresses import PLAIN_ADDRESS, PLAINEST_ADDRESS

ADDRESSES = st.from_regex(PLAIN_ADDRESS, fullmatch=True)
BASES = st.sampled_from(["", "https://b.example/x/y?z#q", "http://a.example", "ftp://a/b"])


@given(ADDRESSES, BASES)
@example("http://a", "https://b.example/")
@example("https://a.example?x", "https://b.example/")
@example("https://a.example//x//..//y", "https://b.example/")
def test_a_plain_address_joined_to_any_base_is_itself(address, base):
    assert urljoin(base, address) == address
    assert urlsplit(address).hostname


@given(st.from_regex(PLAINEST_ADDRESS, fullmatch=True))
@example("https://a.example/")
@example("https://a.example/a/b.html")
def test_the_plainest_are_in_their_normal_form(address):
    """A scheme in capitals is not plain, so that address goes the long way."""
    assume(urlsplit(address).hostname)
    scheme, _, rest = address.partition(":")
    assert canonical(address) == canonical(f"{scheme.upper()}:{rest}")
    assert urlsplit(address).geturl() == address
