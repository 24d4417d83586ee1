"""Room for bodies: bounded by bytes, in turn, and nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from service.collect.polling.backpressure import (
    ENOUGH,
    IN_FLIGHT,
    LARGE,
    MOST_IN_FLIGHT,
    SMALL,
    Bodies,
    Room,
)


async def started(*waits):
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.sleep(0)
    return tasks


async def test_as_many_bytes_as_there_are_and_the_next_once_some_are_free():
    room = Room(10)
    await room.take(4)
    await room.take(6)
    first, second = await started(room.take(5), room.take(1))
    room.leave(4)
    await asyncio.sleep(0)
    assert not first.done()  # there is place for one byte, but it is not its turn
    assert not second.done()
    room.leave(6)
    await asyncio.gather(first, second)
    (third,) = await started(room.take(5))
    assert not third.done()
    room.leave(5)
    await third


async def test_what_is_larger_than_all_gets_it_alone():
    room = Room(10)
    await room.take(1)
    large, small = await started(room.take(50), room.take(1))
    assert not large.done()
    room.leave(1)
    await large
    assert not small.done()
    room.leave(50)
    await small


async def test_who_gives_up_keeps_no_place_and_blocks_nobody():
    room = Room(10)
    await room.take(10)
    first, second, third = await started(room.take(10), room.take(3), room.take(3))
    first.cancel()
    await asyncio.sleep(0)
    room.leave(10)
    second.cancel()  # just as it was given
    results = await asyncio.gather(first, second, third, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[2] is None
    room.leave(3)
    async with asyncio.timeout(60):
        await room.take(10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await room.take(1)


async def test_large_bodies_wait_for_each_other_and_hold_up_no_small_ones():
    bodies, large = Bodies(), LARGE // 4
    for source_id in range(4):
        await bodies.grow(source_id, large)
    (fifth,) = await started(bodies.grow(5, large))
    assert not fifth.done()
    async with asyncio.timeout(1):
        await bodies.take(6, 45_000)
    await bodies.take(0, large)
    bodies.leave(0)
    await fifth
    bodies.leave(0)  # nothing is given back twice
    (sixth,) = await started(bodies.grow(7, large))
    assert not sixth.done()
    sixth.cancel()


async def test_small_bodies_wait_for_each_other_and_for_no_large_one():
    bodies, half = Bodies(), SMALL // 2
    await bodies.grow(0, SMALL)
    await bodies.take(0, SMALL)  # it has its place: it takes none of theirs
    await bodies.take(1, half)
    await bodies.take(2, half)
    (third,) = await started(bodies.take(3, half))
    bodies.leave(0)
    await asyncio.sleep(0)
    assert not third.done()
    bodies.leave(1)
    await third


async def test_who_waits_beside_others_that_are_cancelled_is_cancelled_and_nothing_else():
    room = Room(10)
    await room.take(10)
    waiting = await started(*(room.take(4) for _ in range(5)))
    for task in waiting:
        task.cancel()  # all at once, as a pass that is stopped does
    room.leave(10)  # and what is stored meanwhile makes room for the first of them
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
    await asyncio.wait_for(room.take(10), 60)


async def test_fewer_are_fetched_at_once_while_half_of_the_room_is_taken():
    bodies = Bodies()
    await bodies.take(1, SMALL // 2)
    assert bodies.at_once == IN_FLIGHT
    await bodies.take(2, 1)
    assert bodies.at_once == ENOUGH
    bodies.leave(1)
    assert bodies.at_once == IN_FLIGHT


async def test_more_are_fetched_at_once_the_longer_nothing_waits_to_be_stored():
    bodies = Bodies()
    bodies.widen()
    assert bodies.at_once == IN_FLIGHT + 1
    for _ in range(MOST_IN_FLIGHT):
        bodies.widen()
    assert bodies.at_once == MOST_IN_FLIGHT
    await bodies.take(1, SMALL)
    bodies.widen()
    bodies.leave(1)
    assert bodies.at_once == IN_FLIGHT


async def test_large_bodies_that_drip_do_not_bring_others_beside_them():
    bodies = Bodies()
    for source in range(4):
        await bodies.grow(source, LARGE // 4)
    bodies.widen(by=IN_FLIGHT)
    assert bodies.at_once == IN_FLIGHT
