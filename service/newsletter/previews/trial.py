"""Every template of mail, tried with invented news of all kinds, in every language.

    per language: each mail to one person; per digest its edition, welcome and review, each
    with all that an edition can have, and with every kind of story alone, under every topic

So what raises for one language, topic or kind of story is found before somebody waits for a mail.
Pure but for templates, which are read from the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from service.config.schema import Settings
from service.errors import Fault, TemplateError
from service.model import REVIEWS, DeliveryKind, Image
from service.newsletter import rules
from service.newsletter.compose import EditionComposer
from service.newsletter.freeze import topics_of
from service.newsletter.layout import Layout
from service.newsletter.prepare import frame_of
from service.newsletter.recalled.corrections import TEMPLATE as CORRECTION
from service.newsletter.review.asking import ReviewInvitation
from service.newsletter.views import CorrectionView
from service.render.engine import Renderer
from service.render.faults import raised
from service.render.views import LinkView, StoryView, TopicLink, freeze
from service.store.mailing.editions import Edition, Frozen, LiveDigest

_AT = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
_NO_TOPIC = "topic"
"""A digest may have none yet: its first topic comes by an include, or is learned."""

_RICH = StoryView(
    public_id="a" * 20, title="A headline <b>with</b> “signs” & {{ braces }}", lead="A lead. " * 30,
    link="https://a.example/1", outlet="An outlet", outlet_home="https://a.example/",
    byline="A name · An outlet", published=_AT - timedelta(hours=1), language="vi",
    image=Image("https://a.example/1.jpg", "A picture", 640, 360),
    others=tuple(LinkView(f"Outlet {n}", f"https://{n}.example/" if n else "") for n in range(6)),
    topics=(TopicLink(_NO_TOPIC, "A topic"),), content="<p>The whole text.</p>", hot=True,
)  # fmt: skip
_POOR = replace(
    _RICH, public_id="b" * 20, title="A headline", lead="", link=None, outlet_home=None,
    byline="An outlet", published=_AT - timedelta(days=40), language=None, image=None, others=(),
    topics=(), content="", hot=False,
)  # fmt: skip
_KINDS = (
    _RICH,
    _POOR,
    replace(_POOR, public_id="c" * 20, lead="A lead.", language="en", link="https://b.example/"),
    replace(_RICH, public_id="d" * 20, image=Image("https://a.example/2.jpg"), hot=False,
            others=_RICH.others[1:2], language="fr"),
    replace(_RICH, public_id="e" * 20, title="Long " * 200, lead="Long " * 2000, others=(),
            link="https://a.example/" + "x" * 3000),
)  # fmt: skip
_FROZEN = tuple(
    Frozen(n, n, (), (), freeze(one), note="" if n % 2 else "A note, https://a.example/ in it.")
    for n, one in enumerate(_KINDS)
)
_CORRECTIONS = {
    1: CorrectionView("A headline", "An outlet", "/stories/x/", _AT, "A reason."),
    2: CorrectionView("", "An outlet", "/stories/y/", _AT, "A reason."),
}


@dataclass(frozen=True, slots=True)
class PersonalMailSample:
    """A mail to one person: its template, and what that is given."""

    template: str
    views: Mapping[str, object]


def faults(
    settings: Settings, renderer: Renderer, samples: Sequence[PersonalMailSample]
) -> list[Fault]:
    """What raises, each once, with its file and line, the language, and the mail it is of.

    `samples`: mails to one person besides those that tell news.
    """
    found: dict[tuple[str, int | None, str], Fault] = {}
    for language in languages(settings, renderer):
        for what, render in _mails(settings, renderer, samples, language):
            try:
                render()
            except TemplateError as error:
                fault = raised(error, settings.root, what, language)
                found.setdefault((fault.file, fault.line, fault.problem), fault)
    return list(found.values())


def languages(settings: Settings, renderer: Renderer) -> list[str]:
    """Those that readers may choose, and the site's own."""
    return sorted({*renderer.languages(), settings.site.language})


def _mails(
    settings: Settings,
    renderer: Renderer,
    samples: Sequence[PersonalMailSample],
    language: str,
) -> Iterator[tuple[str, Callable[[], object]]]:
    correction = PersonalMailSample(
        CORRECTION, {"corrections": tuple(_CORRECTIONS.values()), "digest": "A digest"}
    )
    for one in (*samples, correction):
        yield "", lambda one=one: renderer.mail(one.template, language, **one.views)  # type: ignore[misc]
    for name in settings.digest:
        for composer, wanted, coming in _of_digest(settings, renderer, name, language):
            yield (
                f"digest.{name}",
                lambda c=composer, w=wanted, s=coming: c.render(w, language, s),  # type: ignore[misc]
            )


def _of_digest(
    settings: Settings, renderer: Renderer, name: str, language: str
) -> Iterator[tuple[EditionComposer, Layout, str]]:
    digest = settings.digest[name]
    topics = topics_of(settings, name) or (_NO_TOPIC,)
    own = rules.own(digest, renderer.site.zone)
    row = LiveDigest(0, name, digest.title or settings.site.title, digest.scope, 0, _AT)
    edition = Edition(0, 0, digest.cadence, _AT, _AT, _AT, _AT, listed=True, more=0)
    frame = replace(
        frame_of(settings, renderer, row, edition), opening="Words.\n\nOf https://a.example/"
    )
    frames = [frame] + [
        replace(frame, review=one)
        for one in dict.fromkeys((digest.cadence, *digest.cadences))
        if one in REVIEWS
    ]
    invitations = [ReviewInvitation("/review/x", _AT, required) for required in (False, True)]
    templates: list[tuple[str, Mapping[str, object]]] = [("edition", {})]
    if settings.signup.welcome != "none":
        templates.append(("welcome", {}))
    if digest.review is not None:
        templates += [("review", {"review": one}) for one in invitations]
    for template, beside in templates:
        for one in frames:
            composer = EditionComposer(
                renderer, DeliveryKind.EDITION, one, topics, _FROZEN,
                beside=beside, template=template, corrections=_CORRECTIONS,
            )  # fmt: skip
            # Not lazily: words that cannot be read are a fault of the mail, not of who tries it.
            coming = _written(composer, own, language)
            yield composer, _whole(topics), coming
        composer = EditionComposer(
            renderer, DeliveryKind.EDITION, replace(frame, opening=""), topics, _FROZEN,
            beside=beside, template=template,
        )  # fmt: skip
        for number in range(max(len(topics), len(_KINDS))):
            lead = topics[number % len(topics)], number % len(_KINDS)
            yield composer, Layout(lead, (), more=number % 3), ""


def _written(composer: EditionComposer, own: rules.Schedule, language: str) -> str:
    try:
        return composer.written(own, own.next_cut(_AT), language)
    except TemplateError:
        return ""  # whoever renders it is told


def _whole(topics: Sequence[str]) -> Layout:
    """Every kind of story behind the lead story, in its topic; one in each of the others."""
    first, *others = topics
    rest = [(name, (n % len(_KINDS),)) for n, name in enumerate(others)]
    return Layout((first, 0), ((first, tuple(range(len(_KINDS)))), *rest), 2, tuple(_CORRECTIONS))
