"""The sign-up form as plain HTML, for an admin to copy into another site's page."""

from __future__ import annotations

from service.audience import choices
from service.config.schema import Digest, Settings
from service.errors import UsageError
from service.render.addresses import absolute, signup_page
from service.render.engine import Renderer
from service.web.subscriber import rhythms
from service.web.subscriber.elsewhere import return_address
from service.web.subscriber.views import FormOption, SignupForm


def form_to_copy(
    settings: Settings,
    renderer: Renderer,
    digest: Digest,
    language: str | None = None,
    return_to: str | None = None,
) -> str:
    """The form in this language (None: the site's, and answers go by the reader's browser).

    `return_to`: the address to go on to. Raises UsageError for a language without words and for an
    address that is not on a site in `signup.embed`, TemplateError.
    """
    if language is not None and not renderer.speaks(language):
        known = ", ".join(renderer.languages())
        raise UsageError(f"there are no words in {language!r}; there are: {known}")
    if return_to is not None and return_address(return_to, settings.signup.embed) is None:
        raise UsageError(f"{return_to!r} is not on a site in [signup] embed")
    spoken = language or settings.site.language
    words = renderer.words(spoken)
    own = choices.first_cadence(digest)
    cadences = choices.cadences(digest) if choices.asks_cadence(settings, digest) else ()
    form = SignupForm(
        digest=digest.id,
        title=choices.digest_title(settings, digest),
        path=signup_page(digest.id),
        rhythm=rhythms.in_words(settings, digest, own, words),
        latest=None,
        topics=tuple(
            FormOption(name, title, checked=True)
            for name, title in choices.asked_topics(settings, digest).items()
        ),
        cadences=tuple(
            FormOption(one, rhythms.in_words(settings, digest, one, words), one == own)
            for one in cadences
        ),
        address="",
        token="",
        language=language,
        return_to=return_to,
    )
    action = absolute(form.path, renderer.site.base_url)
    return renderer.page("embed", spoken, form=form, action=action)
