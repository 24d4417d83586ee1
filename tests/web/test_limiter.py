"""How often one visitor may sign up."""

from __future__ import annotations

from datetime import timedelta

from service.web import limiter as module
from service.web.limiter import Limiter


def test_a_visitor_is_held_back_and_comes_again_later(now):
    limiter = Limiter(most=2)
    assert limiter.allows("a", now)
    assert limiter.allows("a", now + timedelta(minutes=30))
    assert not limiter.allows("a", now + timedelta(minutes=59))
    assert limiter.allows("b", now + timedelta(minutes=59)), "another one is not"
    assert limiter.allows("a", now + timedelta(minutes=60)), "the first one is an hour ago"
    assert not limiter.allows("a", now + timedelta(minutes=61))


def test_memory_is_bounded_and_who_came_last_is_remembered(now):
    limiter = Limiter(most=1)
    for number in range(module.VISITORS_KEPT + 10):
        limiter.allows(str(number), now)
    assert len(limiter._seen) == module.VISITORS_KEPT
    assert not limiter.allows(str(module.VISITORS_KEPT + 9), now)
    assert limiter.allows("9", now), "who came first is forgotten"
