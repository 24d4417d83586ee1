"""The declared schema: the keys of every row that the service keeps. One folder, seven chapters.

Nothing cascades: what leaves the TOML is retired, not deleted.
"""

from service.store.tables.articles import (
    article,
    article_key,
    article_reference,
    article_topic,
    content_version,
    document,
    entry,
    hot_story,
    stale_feed,
    stale_search,
    story,
    story_act,
    story_act_article,
    story_article,
    topic_label,
    unplaced_article,
    unread_page,
)
from service.store.tables.audience import (
    signup_hour,
    subscriber,
    subscription,
    subscription_event,
    suppression,
)
from service.store.tables.base import fact, metadata
from service.store.tables.ledger import (
    attempt,
    delivery,
    edition,
    edition_story,
    segment,
    told,
)
from service.store.tables.processes import configuration, running_process
from service.store.tables.relays import mail_rate, relay, slow_domain
from service.store.tables.sources import (
    digest,
    redirect,
    robots,
    site_lease,
    source,
    source_counts,
    source_poll,
    source_snapshot,
    topic,
)
from service.store.tables.websub import websub, websub_delivery

__all__ = [
    "article",
    "article_key",
    "article_reference",
    "article_topic",
    "attempt",
    "configuration",
    "content_version",
    "delivery",
    "digest",
    "document",
    "edition",
    "edition_story",
    "entry",
    "fact",
    "hot_story",
    "mail_rate",
    "metadata",
    "redirect",
    "relay",
    "robots",
    "running_process",
    "segment",
    "signup_hour",
    "site_lease",
    "slow_domain",
    "source",
    "source_counts",
    "source_poll",
    "source_snapshot",
    "stale_feed",
    "stale_search",
    "story",
    "story_act",
    "story_act_article",
    "story_article",
    "subscriber",
    "subscription",
    "subscription_event",
    "suppression",
    "told",
    "topic",
    "topic_label",
    "unplaced_article",
    "unread_page",
    "websub",
    "websub_delivery",
]
