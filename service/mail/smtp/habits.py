"""What the connections of one relay have learned of it in one run of sending."""

from __future__ import annotations

import math

_REST_S = 60.0


class Habits:
    """Whether the envelope of the next message may go behind the body of the one before.

    RFC 2920 3.1 allows it to whoever meets PIPELINING. A relay that does not bear it, or that
    answers bodies so slowly that nothing is won, is spoken to step by step.
    """

    def __init__(self) -> None:
        self._not_before = -math.inf
        self._ends: set[int] = set()

    def go_ahead(self, sent: int, now: float) -> bool:
        """Whether it may follow the message of this number in its connection.

        `now`: seconds that only grow.
        """
        return now >= self._not_before and sent not in self._ends

    def was_slow(self, now: float) -> None:
        """A body was not answered for so long that the next message went elsewhere."""
        self._not_before = max(self._not_before, now + _REST_S)

    def was_misread(self) -> None:
        """An envelope behind a body was not understood, or not heard."""
        self._not_before = math.inf

    def ended_after(self, sent: int) -> None:
        """It hung up after so many messages, as it may do with the next connection.

        What we send to a connection that is closed can cost the answer that was on its way.
        """
        self._ends.add(sent)
