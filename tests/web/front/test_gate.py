"""Tests which connections may be open, and which one closes for a new one."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.web.front.gate import ConnectionLimiter, peer_of
from service.web.front.limits import CONNECTIONS, RESERVE, connections
from tests.levels import table


@dataclass(eq=False)
class One:
    host: str = "192.0.2.1"
    waiting: bool = True
    cuts: list[object] = field(default_factory=list)

    @property
    def peer(self) -> str:
        return peer_of(self.host)

    def is_waiting(self) -> bool:
        return self.waiting

    def cut(self) -> None:
        self.cuts.append(self)

    def look(self, now: float) -> None: ...


def gate(most=8, trusted=()):
    return ConnectionLimiter(most, lambda: trusted)


def entered(house, *some):
    assert all(house.enter(one) for one in some)
    return some


def test_beyond_its_share_the_oldest_of_the_address_that_waits_goes():
    house = gate()
    first, second = entered(house, One(waiting=False), One())
    third = One()
    assert house.enter(third)
    assert (first.cuts, second.cuts) == ([], [second])
    assert set(house) == {first, third}


def test_who_is_being_answered_is_not_cut_for_a_newcomer():
    house = gate()
    some = entered(house, One(waiting=False), One(waiting=False))
    assert not house.enter(One())
    assert set(house) == set(some)
    assert house.enter(One("192.0.2.2")), "others have their own share"


def test_a_trusted_proxy_stands_for_many():
    house = gate(trusted=("192.0.2.0/24",))
    entered(house, *(One() for _ in range(8)))
    assert len(house) == 8


def test_a_full_house_takes_from_who_has_most():
    house = gate(trusted=("192.0.2.1",))
    crowd = entered(house, *(One() for _ in range(6)))
    others = entered(house, One("192.0.2.2"), One("192.0.2.3"))
    entered(house, One("192.0.2.4"))
    assert [len(one.cuts) for one in crowd] == [1, 0, 0, 0, 0, 0]
    assert not any(one.cuts for one in others)
    assert len(house) == 8


def test_a_full_house_of_busy_ones_lets_nobody_in():
    house = gate(trusted=("192.0.2.1",))
    entered(house, *(One(waiting=False) for _ in range(8)))
    assert not house.enter(One("192.0.2.9"))


def test_who_leaves_twice_is_counted_once():
    house = gate()
    one, other = entered(house, One(), One())
    house.leave(one)
    house.leave(one)
    assert len(house) == 1
    assert list(house) == [other]


def test_an_ipv6_site_is_one_visitor():
    house = gate()
    old, *_ = entered(house, One("2001:db8::1"), One("2001:db8::2"))
    entered(house, One("2001:db8::3"), One("2001:db8:0:1::3"))
    assert old.cuts
    assert len(house) == 3


@table(
    ("descriptors", "visitors"),
    [(1 << 20, CONNECTIONS), (4096, 4096 - RESERVE), (1024, 512), (512, 128), (64, 16), (1, 1)],
)
def test_descriptors_are_kept_for_collecting_and_mail(descriptors, visitors):
    assert connections(descriptors) == visitors
