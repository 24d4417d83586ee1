"""From a delivery to its message; some are made while connections wait for their relay."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from service.errors import BantinError
from service.mail import relay_answers
from service.mail.addresses import AddressError
from service.mail.personal import Message, PersonalMail, TransactionalComposer
from service.mail.returned.return_path import ReturnPaths
from service.store.mailing.claims import ClaimedDelivery
from service.store.mailing.message_parts import unpack


@dataclass(frozen=True, slots=True)
class Unmade:
    """Why there is no message. `ours`: it is not the address's fault."""

    reason: str
    ours: bool


class Maker:
    """Makes the messages of one run."""

    def __init__(self, composer: TransactionalComposer, returns: ReturnPaths | None) -> None:
        """`returns` None: what cannot be delivered comes back to the address in From."""
        self._composer = composer
        self._returns = returns
        self._waiting: Callable[[], Iterable[ClaimedDelivery]] = tuple
        self._made: dict[int, tuple[ClaimedDelivery, Message | Unmade]] = {}
        self._is_busy = False

    def look_ahead(self, waiting: Callable[[], Iterable[ClaimedDelivery]]) -> None:
        """Make what `waiting` gives, one at a time, when those who are awake have had their turn.

        It is asked anew for each. Call it where something else is waited for.
        """
        self._waiting = waiting
        if not self._is_busy:
            self._is_busy = True
            asyncio.get_running_loop().call_soon(self._make_one)

    def ready(self, delivery: ClaimedDelivery) -> Message | None:
        """Its message where it has been made. It stays until `make` takes it, or `let_go`."""
        known = self._known(delivery)
        return known if isinstance(known, Message) else None

    def make(self, delivery: ClaimedDelivery) -> Message | Unmade:
        """The message, or why there is none: the address's fault or ours, never the others'."""
        known = self._known(delivery)
        self._made.pop(delivery.id, None)
        return self._new(delivery) if known is None else known

    def let_go(self, delivery: ClaimedDelivery) -> None:
        """Its turn is over, and what was made of it is dropped: it may have been put off."""
        if self._known(delivery) is not None:
            del self._made[delivery.id]

    def forget(self) -> None:
        """What was made is not sent by this run."""
        self._made.clear()

    def _known(self, delivery: ClaimedDelivery) -> Message | Unmade | None:
        """Not of another copy of its row: that was made anew since."""
        of, message = self._made.get(delivery.id, (None, None))
        return message if of is delivery else None

    def _make_one(self) -> None:
        for delivery in self._waiting():
            if self._known(delivery) is None:
                self._made[delivery.id] = delivery, self._new(delivery)
                asyncio.get_running_loop().call_soon(self._make_one)
                return
        self._is_busy = False

    def _new(self, delivery: ClaimedDelivery) -> Message | Unmade:
        try:
            if delivery.parts is None:
                raise ValueError("its rendered parts are gone")  # noqa: TRY301 - one way out
            mail = PersonalMail(
                kind=delivery.kind,
                message_id=delivery.message_id,
                dated_at=delivery.dated_at,
                language=delivery.language,
                segment=delivery.segment,
                parts=unpack(delivery.parts),
                recipient=delivery.recipient,
            )
            return self._with_return_path(self._composer.compose(mail), delivery)
        except AddressError as error:
            # Behind the colon stands the address.
            return Unmade(str(error).partition(":")[0], ours=False)
        except (BantinError, KeyError, ValueError, zlib.error) as error:
            reason = f"it could not be built: {type(error).__name__}: {error}"
            return Unmade(
                relay_answers.without(delivery.recipient.address or "", reason), ours=True
            )

    def _with_return_path(self, message: Message, delivery: ClaimedDelivery) -> Message:
        """The same message in an envelope of its own: its bytes stay those of the preview."""
        address = delivery.recipient.address
        if self._returns is None or address is None:
            return message
        sender = self._returns.of(delivery.id, delivery.message_id, address)
        return replace(message, sender=sender)
