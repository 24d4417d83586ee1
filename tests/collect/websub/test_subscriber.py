"""A subscriber's rules that need no hub to be seen."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.collect.faults import warnings
from service.collect.websub import subscriber
from service.config.schema import Settings, Source
from service.net import guard
from service.store.sources.push_state import Silent

PLAIN = Silent(None, None, 0, None, None, None, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("base_url", "for_all", "for_one", "base"),
    [
        ("https://tin.example", None, None, "https://tin.example/websub/"),
        ("https://tin.example/a/", None, None, "https://tin.example/a/websub/"),
        ("https://tin.example", False, None, None),
        ("https://tin.example", False, True, "https://tin.example/websub/"),
        ("https://tin.example", True, False, None),
        (None, True, True, None),
        ("http://127.0.0.1:8000", None, None, None),
        ("http://localhost:8000", None, None, None),
        ("http://192.168.1.5", None, None, None),
        ("http://127.0.0.1:8000", True, None, "http://127.0.0.1:8000/websub/"),
        ("http://192.168.1.5", None, True, "http://192.168.1.5/websub/"),
    ],
)
def test_where_hubs_may_call_us(base_url, for_all, for_one, base):
    source = Source(url="https://bao.example/rss", websub=for_one)
    settings = Settings.model_validate(
        {"site": {"base_url": base_url}, "collect": {"websub": for_all}}
    )
    assert subscriber.callback_base(settings, source) == base
    assert subscriber.callback_base(settings, None) is None


def test_check_says_where_hubs_are_wanted_and_cannot_call():
    source = {"bao": {"url": "https://bao.example/rss", "websub": True}}
    data = {"source": source, "collect": {"websub": True}}
    found = warnings(Settings.model_validate(data))
    assert [path for path, _, _ in found] == [
        ("collect", "websub"),
        ("source", "bao", "websub"),
    ]
    data["site"] = {"base_url": "https://tin.example"}
    assert warnings(Settings.model_validate(data)) == []


def test_a_hub_is_asked_over_tls_first_and_told_a_secret_nowhere_else():
    assert subscriber.ways("https://h.example/") == (("https://h.example/", True),)
    assert subscriber.ways("http://h.example/x?y") == (
        ("https://h.example/x?y", True),
        ("http://h.example/x?y", False),
    )
    assert subscriber.ways("http://h.example:8080/") == (("http://h.example:8080/", False),)
    assert subscriber.ways("http://127.0.0.1:80/") == (("http://127.0.0.1:80/", True),)


@given(st.binary(max_size=200), st.sampled_from(["sha1", "sha256", "sha384", "sha512"]))
def test_a_signature_is_ours_whatever_the_body(body, method):
    digest = hmac.new(b"secret", body, getattr(hashlib, method)).hexdigest()
    assert subscriber.is_signed([f"{method}={digest}"], "secret", body)
    assert subscriber.is_signed(["sha1=0", f" {method.upper()}={digest.upper()} "], "secret", body)
    assert not subscriber.is_signed([f"{method}={digest}"], "secret", body + b".")
    assert not subscriber.is_signed([f"{method}={digest}"], "secre", body)
    assert not subscriber.is_signed([f"{method}={digest[:-1]}"], "secret", body)


@pytest.mark.parametrize(
    "header", ["", "=", "sha256", "sha224=00", "sha256=ü", "sha256=" + "0" * 64]
)
def test_what_is_no_signature_is_none(header):
    assert not subscriber.is_signed([header], "secret", b"body")


def test_secrets_are_of_one_subscription_and_short_enough():
    one, other = subscriber.secret(b"key", "a"), subscriber.secret(b"key", "b")
    assert one != other
    assert len(one) == 64
    assert subscriber.secret(b"another key", "a") != one


@pytest.mark.parametrize(
    ("said", "granted"),
    [("60", timedelta(minutes=1)), ("99999999999", timedelta(days=30)), ("0", timedelta(days=10)),
     ("-5", timedelta(days=10)), ("never", timedelta(days=10)), ("٣", timedelta(days=10)),
     (None, timedelta(days=10))],
)  # fmt: skip
def test_a_lease_is_what_the_hub_says_within_reason(said, granted):
    assert subscriber.lease_of(said) == granted


def test_a_renewal_lies_well_within_the_lease_but_never_at_once(now):
    day = timedelta(days=1)
    assert subscriber.renew_at(now, day, 0.0) == now + day * 0.6
    assert subscriber.renew_at(now, day, 0.999) < now + day * 0.8
    assert subscriber.renew_at(now, timedelta(seconds=1), 0.0) == now + timedelta(seconds=10)


def test_retries_double_up_to_a_day_and_hurry_while_a_lease_runs(now):
    waits = [subscriber.ask_again_at(now, n, None, 0.0) - now for n in range(1, 12)]
    assert waits[:3] == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert waits[-1] == timedelta(days=1)
    ends = now + timedelta(minutes=30)
    assert subscriber.ask_again_at(now, 9, ends, 0.0) == now + timedelta(minutes=10)
    assert subscriber.ask_again_at(now, 1, None, 0.0, retry_after_s=7200) == now + timedelta(
        hours=2
    )


def test_polling_without_a_hub_keeps_the_publishers_hints(now):
    hour = timedelta(hours=1)
    told = {"next_poll_at": now + 9 * hour, "last_ok_at": now - 2 * hour}
    silent = Silent(**{**_values(PLAIN), **told})
    at = subscriber.polled_at
    assert at(silent, now) == now
    assert at(_with(silent, interval_s=4 * 3600), now) == now + 2 * hour
    assert at(_with(silent, fresh_s=6 * 3600), now) == now + 4 * hour
    assert at(_with(silent, every_s=6 * 3600), now) == now + 4 * hour
    assert at(_with(silent, held_until=now + 5 * hour), now) == now + 5 * hour
    assert at(_with(silent, skips=1 << 8), now) == now + hour  # not at eight o'clock
    assert at(_with(silent, failures=1), now) == now + 9 * hour


def test_what_is_opened_for_a_source_is_not_open_to_any_hub_it_names():
    allowed = guard.networks(["10.0.0.0/8", "127.0.0.0/8"])
    assert subscriber.may_enter("http://10.0.0.5/rss", "http://10.0.0.9/hub", allowed)
    assert subscriber.may_enter("http://portal.lan/rss", "http://portal.lan:81/hub", allowed)
    assert subscriber.may_enter("http://localhost/rss", "http://127.0.0.1/hub", allowed)
    assert not subscriber.may_enter("https://bao.example/rss", "http://10.0.0.9/hub", allowed)
    assert not subscriber.may_enter("http://192.168.0.5/rss", "http://10.0.0.9/hub", allowed)


def _values(silent):
    return {name: getattr(silent, name) for name in Silent.__slots__}


def _with(silent, **changes):
    return Silent(**{**_values(silent), **changes})
