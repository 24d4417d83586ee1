"""What came back is told by `why` and `status`: kind, code, when, and what was done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.report.status import as_json, status
from service.report.why import SENT, SUPPRESSED, why
from service.store.core import facts
from service.text import mailboxes
from tests.mail import stock
from tests.mail.returned.samples import arf, dsn
from tests.mail.returned.test_intake import LAN, MINH, Sent

DAY = timedelta(days=1)


@pytest.fixture
def sent(any_store, now, tmp_path):
    sent = Sent(any_store, now, tmp_path)
    stock.accept(any_store, sent.made.deliveries, now)
    return sent


def asked(sent, address, now):
    with sent.store.read() as connection:
        key = mailboxes.key(facts.secret(connection), address)
        article = sent.made.articles[0]
        return why(connection, key, article, [article], {"tuan": None}, now)


def test_who_got_it_and_whose_mail_came_back_is_told_with_kind_code_and_time(sent, now):
    sent.take(dsn(sent.paths[0], LAN, status="4.2.2", said="452 4.2.2 over quota"), at=now + DAY)
    sent.take(dsn(sent.paths[1], MINH), at=now + 2 * DAY)
    full = asked(sent, LAN, now + 2 * DAY)
    assert full.answer == SENT
    assert full.reason.endswith(f"; came back {now + DAY:%Y-%m-%d %H:%M} UTC: soft bounce 4.2.2")
    [one] = full.returned
    assert (one.digest, one.kind, one.hard, one.status) == ("tuan", "bounce", False, "4.2.2")
    assert (0.9 < full.weight <= 1.0, full.suppressed) == (True, None)
    dead = asked(sent, MINH, now + 2 * DAY)
    assert (dead.answer, dead.returned[0].hard, dead.weight) == (SENT, True, 0.0)
    assert (dead.suppressed.reason, dead.suppressed.since) == ("bounced", now + 2 * DAY)
    assert "5.1.1" in dead.suppressed.evidence
    with sent.store.read() as connection:
        key = mailboxes.key(facts.secret(connection), MINH)
        other = why(connection, key, 10**9, [10**9], {"tuan": None}, now + 2 * DAY)
    assert (other.answer, len(other.returned)) == (SUPPRESSED, 1), "of another article, too"


def test_status_counts_what_came_back_within_a_week(sent, now):
    sent.take(dsn(sent.paths[0], LAN), at=now)
    sent.take(dsn(sent.paths[0], LAN, status="5.7.1", said="550 5.7.1 blocked"), at=now)
    sent.take(arf(sent.paths[1], mail_from=sent.paths[1]), at=now)
    with sent.store.read() as connection:
        told = as_json(status(connection, now + DAY))["returned"]
        assert told == {"hard": 1, "soft": 0, "complaint": 1, "about_us": 1, "unread": 0}
        later = as_json(status(connection, now + 8 * DAY))["returned"]
    assert set(later.values()) == {0}
