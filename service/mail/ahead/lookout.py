"""What is done while channels wait for their relay, so that none waits for it.

A channel that goes on with what is ready never looks into the store itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from service.mail.batch import Supply
from service.mail.deliver import Courier
from service.mail.throttle import Throttle
from service.store.mailing.claims import ClaimedDelivery


class Lookout:
    """Makes messages; looks for transactional mails, more editions, and what others have met."""

    def __init__(
        self,
        supply: Supply,
        courier: Courier,
        throttle: Throttle,
        broke: Callable[[Exception], None],
    ) -> None:
        """`broke` is told what a look raised."""
        self._supply = supply
        self._courier = courier
        self._throttle = throttle
        self._broke = broke
        self._is_looking = False

    def prepare(self, group: asyncio.TaskGroup, channels: int) -> None:
        """For so many channels of relays that take mail. A look is a task of the group."""
        self._courier.maker.look_ahead(lambda: filter(self._may_go, self._supply.news(channels)))
        is_due = self._supply.is_due or self._courier.is_due
        if channels and is_due and not self._is_looking:
            self._is_looking = True
            group.create_task(self._look())

    def _may_go(self, delivery: ClaimedDelivery) -> bool:
        """Not where it may have to wait: then most are not sent in this run, and made in vain."""
        is_limited = self._throttle.limits_to(delivery.recipient.address)
        return not is_limited and self._courier.hold(delivery) is None

    async def _look(self) -> None:
        try:
            await self._courier.listen()
            if self._supply.is_due:
                await self._supply.look()
        except Exception as error:  # noqa: BLE001 - ends the run when all have finished
            self._broke(error)
        finally:
            self._is_looking = False
