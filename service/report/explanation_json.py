"""An explanation as one JSON document for programs. Pure."""

from __future__ import annotations

from dataclasses import asdict

from service.curate.learned.in_use import NOT
from service.report import recalls
from service.report.explain import ExplainedEdition, Explanation, FrontPlace, Unknown


def as_json(one: Explanation | Unknown) -> dict[str, object] | None:
    """All of it, None for what was never seen. Instants are aware, in UTC."""
    if isinstance(one, Unknown):
        refused = [asdict(entry) for entry in one.refused]
        return {"id": None, "refused": refused, "sources": one.sources} if refused else None
    found, alike = one.found, one.closeness.alike if one.closeness else {}
    return {
        "id": found.public_id,
        "title": found.title,
        "link": found.link,
        "source": found.source,
        "published": found.published,
        "updated": found.updated,
        "first_seen": found.first_seen_at,
        "language": found.language,
        "entries": [
            {
                "source": entry.source,
                "key": entry.entry_key,
                "link": entry.link,
                "first_seen": entry.first_seen_at,
                "published": entry.published_at,
                "quiet": entry.quiet,
            }
            for entry in found.entries
        ],
        "refused": [asdict(entry) for entry in one.refused],
        "text": {
            "from": one.text_from,
            "lead": ("own" if one.lead_is_own else "summary") if found.lead else None,
        },
        "story": {
            "id": found.story_public_id,
            "page": one.page,
            "articles": len(found.article_ids),
            "hot_since": found.hot_at,
            "waits": one.waits,
            "acts": [
                {
                    "act": act.kind,
                    "by": act.actor,
                    "at": act.happened_at,
                    "articles": len(act.sides),
                }
                for act in one.acts
            ],
            "others": [
                {**asdict(other), "id": other.public_id, "likeness": alike.get(other.public_id)}
                for other in one.others
            ],
        },
        "topics": [
            {
                "id": topic.topic,
                "title": topic.title,
                "entered_at": topic.entered_at,
                "quiet": topic.quiet,
                "reason": topic.reason,
            }
            for topic in found.topics
        ],
        "label": None if one.label is None else one.label[0] or NOT,
        "feeds": one.feeds,
        "front": one.front and _place(one.front),
        "editions": [_place(edition) for edition in one.editions],
        "told": one.told,
        "mailed": [asdict(digest) for digest in one.mailed],
        "uncertain": one.uncertain,
        "late": {"collected_s": one.late.collected_s, "mailed_s": one.late.mailed_s},
        "references": one.references,
        "recalls": [recalls.as_json(report) for report in one.recalls],
    }


def _place(one: FrontPlace | ExplainedEdition) -> dict[str, object]:
    parts = one.score and {**asdict(one.score), "total": one.score.total}
    return {**asdict(one), "score": parts}
