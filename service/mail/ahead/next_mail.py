"""Which mail's envelope goes behind a body: an edition's that is ready and has nothing to wait for.

What else is decided before an envelope goes out is decided here for it: whether its destination
rests, whether a rate has to give it its moment (then it goes alone), whether its line goes on.
Subscription, suppression and recall are asked at the claim, and again at its own 354.
"""

from __future__ import annotations

from collections.abc import Callable

from service.mail.batch import Supply
from service.mail.deliver import Courier
from service.mail.personal import Message
from service.mail.relays import Line
from service.mail.throttle import Throttle
from service.store.mailing.claims import ClaimedDelivery


class NextMail:
    """What one channel hands over next (mail.handover.Following). `delivery` None: nothing yet."""

    def __init__(
        self,
        supply: Supply,
        courier: Courier,
        throttle: Throttle,
        line: Line,
        goes_on: Callable[[], bool],
        taken: Callable[[], None],
    ) -> None:
        """`goes_on`: whether the channel hands over another one. `taken`: called after each try."""
        self._supply = supply
        self._courier = courier
        self._throttle = throttle
        self._line = line
        self._goes_on = goes_on
        self._taken = taken
        self.delivery: ClaimedDelivery | None = None

    def take(self) -> Message | None:
        line = self._line
        if not (line.proven and self._goes_on()) or self._throttle.limits(line.name):
            return None
        self.delivery = self._supply.take_news(self._is_fit, aside=lambda: line.has_place_aside)
        self._taken()
        if self.delivery is None:
            return None
        self._courier.keep(self.delivery)
        return self._courier.maker.ready(self.delivery)

    def release(self) -> None:
        delivery, self.delivery = self.delivery, None
        if delivery is not None:
            self._courier.let_go(delivery)
            self._supply.put_back(delivery)

    def handed(self) -> ClaimedDelivery | None:
        """The mail that comes now: it is the channel's, who keeps it in the courier's hand."""
        delivery, self.delivery = self.delivery, None
        return delivery

    def _is_fit(self, delivery: ClaimedDelivery) -> bool:
        is_limited = self._throttle.limits_to(delivery.recipient.address)
        return not is_limited and self._courier.may_go_ahead(delivery)
