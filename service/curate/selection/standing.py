"""What is known of a story when it is put into an order, and how an edition keeps it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.text.fold import lower, tokens


@dataclass(frozen=True, slots=True)
class TopicPlace:
    """How a story stands in a topic: how many of its articles are there.

    `headline`: the headline that readers see has the topic's own words.
    """

    articles: int
    headline: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What the order of a story follows from.

    `outlets` counts the independent ones that tell it. `age_s` is how long it had been out at the
    cut of its edition, in seconds, `half_life_s` in how many it loses half of its score. `topics`
    are those that were asked for; `elsewhere` counts its articles' places in others, and those of
    its articles that are in none. `days`: on how many days it was told; None: in a list of news,
    which is not ordered by that but by what is new.
    """

    outlets: int
    age_s: float
    half_life_s: float
    weight: float
    topics: Mapping[str, TopicPlace]
    elsewhere: int
    days: int | None = None

    def as_json(self, names: Sequence[str]) -> dict[str, Any]:
        """What `edition_story.standing` keeps. `names`: the row's topics, whose order it follows.

        So a topic that is renamed is renamed in one place.
        """
        places = [self.topics.get(name) for name in names]
        kept = {
            "outlets": self.outlets,
            "age_s": round(self.age_s),
            "half_life_s": round(self.half_life_s),
            "weight": self.weight,
            "topics": [[one.articles, one.headline] if one else [0, False] for one in places],
            "elsewhere": self.elsewhere,
        }
        return kept if self.days is None else {**kept, "days": self.days}


def from_json(kept: Mapping[str, Any] | None, names: Sequence[str]) -> Standing | None:
    """What `as_json` gave; None for an edition that was frozen before it was kept."""
    if kept is None:
        return None
    places = zip(names, kept["topics"], strict=True)
    return Standing(
        outlets=kept["outlets"],
        age_s=kept["age_s"],
        half_life_s=kept["half_life_s"],
        weight=kept["weight"],
        topics={name: TopicPlace(*place) for name, place in places},
        elsewhere=kept["elsewhere"],
        days=kept.get("days"),
    )


def together(some: Sequence[Standing | None]) -> Standing | None:
    """Join stories that became one since they were frozen: the first, told by as many as any."""
    known = [one for one in some if one is not None]
    if not known:
        return None
    topics = {name: place for one in reversed(known) for name, place in one.topics.items()}
    return replace(
        known[0],
        outlets=max(one.outlets for one in known),
        weight=max(one.weight for one in known),
        topics=topics,
        days=max((one.days for one in known if one.days is not None), default=None),
    )


def names_topic(reason: Mapping[str, Any], title: str) -> bool:
    """Whether the reason why an article is in a topic stands in its headline as well.

    By rules it says in which fields the topic's words are; a learned topic's are looked for.
    """
    if "title" in reason.get("in", ()):
        return True
    nested = (one for key in ("any_of", "all_of") for one in reason.get(key, ()))
    return any(names_topic(one, title) for one in nested) or _has_one(title, reason.get("by", ()))


def _has_one(title: str, phrases: Collection[str]) -> bool:
    said = _spaced(title) if phrases else ""
    return any(_spaced(phrase) in said for phrase in phrases)


def _spaced(text: str) -> str:
    return f" {' '.join(tokens(lower(text)))} "
