"""Secrets in links, forms and cookies: all of a token counts, not some of it."""

from __future__ import annotations

from service.audience import tokens
from tests.levels import table

SECRET, COOKIE = b"s" * 32, "c" * 32


def broken(token):
    """The token with each of its letters changed, one at a time, and cut or lengthened."""
    for place, letter in enumerate(token):
        yield token[:place] + ("0" if letter != "0" else "1") + token[place + 1 :]
    yield from ("", token[:16], token[16:], token[:-1], token + "0", token.upper(), f" {token}")


def test_only_the_whole_token_of_a_form_is_taken():
    token = tokens.form_token(SECRET, COOKIE)
    assert tokens.is_form_token(SECRET, COOKIE, token)
    taken = [one for one in broken(token) if tokens.is_form_token(SECRET, COOKIE, one)]
    assert [one for one in taken if one != token] == []


def test_a_form_belongs_to_its_cookie_and_to_this_store():
    token = tokens.form_token(SECRET, COOKIE)
    assert not tokens.is_form_token(SECRET, "d" * 32, token)
    assert not tokens.is_form_token(b"t" * 32, COOKIE, token)
    assert not tokens.is_form_token(SECRET, None, token)
    assert not tokens.is_form_token(SECRET, "", token)


def test_only_the_cookie_that_signed_up_is_the_same_browser():
    stored = tokens.cookie_hash(COOKIE)
    assert tokens.same_browser(COOKIE, stored)
    assert not any(tokens.same_browser(one, stored) for one in broken(COOKIE) if one != COOKIE)
    assert not tokens.same_browser(None, stored)
    assert not tokens.same_browser(COOKIE, None)


@table("text", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + "\n"])
def test_what_cannot_be_one_of_our_tokens(text):
    assert not tokens.is_token(text)
    assert tokens.is_token(tokens.new_token())
    assert tokens.new_token() != tokens.new_token()
