"""What is known of stories that are to be put into an order, read from the rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from service.config.schema import Source
from service.curate.selection.owners import Owner, owner_of
from service.curate.selection.standing import Standing, TopicPlace, names_topic
from service.store.content import story_facts
from service.store.content.story_facts import StoryFacts, Teller
from service.store.core.database import Connection


@dataclass(frozen=True, slots=True)
class KnownStories:
    """Stories by their ids, and the sources that tell them, with their owners, by their rows."""

    facts: Mapping[int, StoryFacts]
    tellers: Mapping[int, Teller]
    owners: Mapping[int, Owner]

    def standing(
        self, story_id: int, topics: Iterable[str], age: timedelta, half_life: timedelta
    ) -> Standing:
        """What a story's place among others follows from, where these topics are asked for."""
        facts = self.facts[story_id]
        told_by = [one.source_id for one in facts.told_by]
        asked = {
            name: TopicPlace(
                facts.topics[name], names_topic(facts.reasons.get(name, {}), facts.title)
            )
            for name in topics
            if name in facts.topics
        }
        return Standing(
            outlets=len({self.owners[one] for one in told_by}) or 1,
            age_s=age.total_seconds(),
            half_life_s=half_life.total_seconds(),
            weight=max((self.tellers[one].weight for one in told_by), default=1.0),
            topics=asked,
            elsewhere=facts.loose
            + sum(number for name, number in facts.topics.items() if name not in asked),
            days=facts.days,
        )


def read(
    connection: Connection,
    ids: Iterable[int],
    sources: Mapping[str, Source],
    days_in: ZoneInfo | None = None,
) -> KnownStories:
    """What is known of these stories. `sources`: those of the TOML.

    `days_in`: the zone by which the days are counted on which each was told; None: they are not.
    Five statements for some thousands of stories.
    """
    facts = story_facts.of_stories(connection, ids, days_in)
    tellers = story_facts.tellers(
        connection, {told.source_id for one in facts.values() for told in one.told_by}
    )
    owners = {row: owner_of(one, sources) for row, one in tellers.items()}
    return KnownStories(facts, tellers, owners)
