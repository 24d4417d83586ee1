"""Editors who work on editions by their page, while the service dies again and again.

Each minute an edition of a sixth of the readers is frozen, five minutes before it goes, unless an
editor lets it go at once. What they press, and what they were answered, is kept.
"""

from __future__ import annotations

import asyncio
import html
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.bench.killing.visitor import Answer, Visitor, links
from tests.mail.relays import Sink

NAME = "duyet"
EDITORS = ("lan@example.vn", "hoa@example.vn")
PHASES = [f"{minute}-59/6 * * * *" for minute in range(6)]
"""Cadences that have to lie further apart than the review lasts, which is 5 minutes at least."""

DIGEST = f"""
[digest.{NAME}]
title = "Điểm tin duyệt"
cadence = "{PHASES[0]}"
cadences = {PHASES}
review = "5m"
editors = {list(EDITORS)}
stories = {{ max = 100 }}
"""

_DO = Counter(
    hold=2, approve=2, release=4, copy=1, save=3, pin=3, up=2, down=2, drop=2, restore=1
)  # fmt: skip
"""What is pressed how often, of what the page offers."""

_LATEST = 8
"""Links of so many editions are still used; older ones have gone or were overtaken."""

_VERSION = re.compile(r'name="version" value="(\d+)"')
_BUTTON = re.compile(r'name="do" value="([^"]+)"')
_FIELD = re.compile(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>')


@dataclass(frozen=True, slots=True)
class Press:
    """A form that was sent. `status` None: no answer came. `words`: of fields that were changed."""

    token: str
    editor: str
    version: int
    do: str
    words: dict[str, str]
    begun: datetime
    ended: datetime
    status: int | None

    @property
    def done(self) -> bool:
        return self.status == 303


@dataclass
class Desk:
    """`await work(editor)` for each; it ends when it is cancelled.

    `before`: called with what is about to be pressed. `finishing`: whatever is there goes now.
    """

    relay: Sink
    visitor: Visitor
    chance: random.Random
    before: Callable[[str], None]
    presses: list[Press] = field(default_factory=list)
    under_way: int = 0
    finishing: bool = False
    _settled: set[str] = field(default_factory=set)
    _words: int = 0

    def counts(self) -> Counter[str]:
        """What editors were told is done -> how often."""
        return Counter(one.do.partition(":")[0] for one in self.presses if one.done)

    async def work(self, editor: str) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))
            open_ones = [one for one in self._links(editor) if one not in self._settled]
            if not open_ones:
                continue
            token = self.chance.choice(open_ones)
            page = await self.visitor.get(f"/review/{token}")
            if page is None:
                continue
            if page.status == 200 and not _VERSION.search(page.text):
                self._settled.add(token)
                continue
            assert page.status == 200, page
            await self._press(token, editor, page)

    def _links(self, editor: str) -> list[str]:
        found = dict.fromkeys(links(self.relay, editor, "/review/"))
        return list(found)[:_LATEST]

    async def _press(self, token: str, editor: str, page: Answer) -> None:
        found = _VERSION.search(page.text)
        assert found is not None
        buttons = [html.unescape(one) for one in _BUTTON.findall(page.text)]
        do = self._choose(buttons)
        fields = {name: html.unescape(text) for name, text in _FIELD.findall(page.text)}
        words = {} if self.finishing or self.chance.random() < 0.5 else self._written(fields)
        sent = {**fields, **words, "do": do, "version": found[1]}
        self.before(do.partition(":")[0])
        begun = datetime.now(UTC)
        self.under_way += 1
        try:
            answer = await self.visitor.post(f"/review/{token}", sent)
        finally:
            self.under_way -= 1
        status = None if answer is None else answer.status
        assert status in (None, 303, 409, 429), answer
        press = Press(
            token, editor, int(found[1]), do, words, begun, datetime.now(UTC), status
        )  # fmt: skip
        self.presses.append(press)

    def _choose(self, buttons: list[str]) -> str:
        if self.finishing:
            return next((one for one in ("release", "approve") if one in buttons), "save")
        weights = [_DO[one.partition(":")[0]] for one in buttons]
        many = Counter(one.partition(":")[0] for one in buttons)
        each = [
            weight / many[one.partition(":")[0]]
            for one, weight in zip(buttons, weights, strict=True)
        ]
        return self.chance.choices(buttons, each)[0]

    def _written(self, fields: dict[str, str]) -> dict[str, str]:
        """Other words in one of the fields."""
        self._words += 1
        return {self.chance.choice(sorted(fields)): f"Lời của người duyệt, lần {self._words}."}
