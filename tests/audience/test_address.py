"""One address, one written form, one key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.audience import address
from service.text import mailboxes
from tests.levels import table


@table(
    ("typed", "written"),
    [
        ("minh@example.vn", "minh@example.vn"),
        ("  Minh@Example.VN \n", "Minh@example.vn"),
        ("minh@Bücher.example", "minh@xn--bcher-kva.example"),
        ("minh@ví-dụ.vn", "minh@xn--v-d-rma6749a.vn"),
        ("ngọc@example.vn", "ngọc@example.vn"),
        ("a+b@tin.test", "a+b@tin.test"),
    ],
)
def test_the_written_form_has_its_domain_in_ascii(typed, written):
    assert address.normal(typed) == written
    assert address.normal(written) == written


@table(
    "typed",
    [
        "",
        "minh",
        "minh@",
        "@example.vn",
        "a b@example.vn",
        "minh@example.vn, lan@example.vn",
        "Minh <minh@example.vn>",
        "minh@example.vn\r\nBcc: x@example.vn",
        "minh@localhost",
        "minh@[127.0.0.1]",
        "x" * 250 + "@example.vn",
        "x" * 65 + "@example.vn",
        "ọ" * 22 + "@example.vn",
        "minh(học)@example.vn",
        '"minh tin"@example.vn',
        "minh\u202e@example.vn",
    ],
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(ValueError):
        address.normal(typed)


def test_case_does_not_make_another_person():
    secret = b"s" * 32
    keys = {
        mailboxes.key(secret, address.normal(typed))
        for typed in ("minh@example.vn", "MINH@EXAMPLE.VN", "Minh@Example.vn")
    }
    assert len(keys) == 1
    assert mailboxes.key(secret, "minh@example.vn") != mailboxes.key(b"t" * 32, "minh@example.vn")
    assert mailboxes.key(secret, "minh@example.vn") != mailboxes.key(secret, "minh1@example.vn")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße@example.vn", "strasse@example.vn"),
        ("ﬁn@example.vn", "fin@example.vn"),
        ("ŉam@example.vn", "ʼnam@example.vn"),
    ],
)
def test_letters_that_only_look_compatible_are_two_people(one, other):
    secret = b"s" * 32
    assert mailboxes.key(secret, address.normal(one)) != mailboxes.key(
        secret, address.normal(other)
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRAßE@example.vn", "straße@EXAMPLE.vn"),
        ("STRAẞE@example.vn", "straße@example.vn"),  # the capital of ß
        ("ΟΔΟΣ@example.vn", "οδος@example.vn"),  # a final sigma
        ("NGUYỄN@example.vn", "nguyễn@example.vn"),
    ],
)
def test_case_alone_makes_nobody_another_person(one, other):
    secret = b"s" * 32
    assert mailboxes.key(secret, address.normal(one)) == mailboxes.key(
        secret, address.normal(other)
    )


def test_both_spellings_of_a_domain_are_one_key():
    typed, ascii_form = address.normal("minh@ví-dụ.vn"), address.normal("minh@xn--v-d-rma6749a.vn")
    assert typed == ascii_form


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("minh@example.vn", "m•••h@example.vn"),
        ("ab@example.vn", "a•••@example.vn"),
        ("a@example.vn", "a•••@example.vn"),
        ("minh@xn--bcher-kva.example", "m•••h@bücher.example"),
    ],
)
def test_a_masked_address_is_known_by_its_owner_alone(written, shown):
    assert address.masked(written) == shown


LABELS = st.sampled_from(
    ["example", "gmail", "EXAMPLE", "xn--bcher-kva", "bücher", "ví-dụ", "-a", "a-", "a--b", "ab--c",
     "localhost", "test", "invalid", "local", "vn", "com", "x" * 63, "x" * 64, "1", "", " ", "a_b"]
)  # fmt: skip
LOCALS = st.one_of(
    st.from_regex(r"[A-Za-z0-9._+\-]{1,70}", fullmatch=True),
    st.sampled_from(["Postmaster", "POSTMASTER", "postmaster", "Info", "a..b", ".a", "a.", '"a b"',
                     "ß", "Straße", "a'b", "a@b", "a\n", "x" * 64, "x" * 65, "", "a\u200b"]),
    st.text(max_size=5),
)  # fmt: skip


@given(LOCALS, st.lists(LABELS, min_size=1, max_size=4), st.sampled_from(["", " ", "\n"]))
def test_the_fast_path_says_what_the_library_says(local, labels, around):
    typed = f"{around}{local}@{'.'.join(labels)}{around}"

    def outcome(read):
        try:
            return read(typed)
        except ValueError as error:
            return type(error), str(error)

    assert outcome(address.normal) == outcome(lambda one: address._written(address._read(one)))


@given(st.from_regex(r"[a-z0-9]{3,20}", fullmatch=True))
def test_a_mask_never_shows_the_middle(local):
    shown = address.masked(f"{local}@example.vn")
    assert shown == f"{local[0]}•••{local[-1]}@example.vn"
