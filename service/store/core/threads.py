"""Calls of the store from async code. The store is synchronous: each call goes through a thread.

A thread cannot be cancelled. So a task cancelled while it waits goes on waiting until the thread is
done: what follows (giving back what was claimed, closing the store) must not overtake what it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from service.errors import StoreError

Result = TypeVar("Result")
Given = ParamSpec("Given")


async def in_thread(
    function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """What the function gives; as `asyncio.to_thread`, but never left before its thread is done.

    Raises what the function raises. CancelledError is raised once the thread is done, whatever came
    of it.
    """
    return await finished(asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs)))


async def claimed_in_thread(claim: Callable[[], Result], undo: Callable[[Result], None]) -> Result:
    """What `claim` gives. Where the caller is cancelled meanwhile, `undo` gives it back first."""
    claiming = asyncio.ensure_future(asyncio.to_thread(claim))
    try:
        return await finished(claiming)
    except asyncio.CancelledError:
        if not claiming.cancelled() and claiming.exception() is None:
            with suppress(StoreError):  # else its lease ends by itself
                await in_thread(undo, claiming.result())
        raise


async def finished(running: asyncio.Future[Result]) -> Result:
    """What it gives. Where the caller is cancelled, it ends first all the same."""
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError:
                continue
        raise
