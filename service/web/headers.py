"""The headers that every answer has."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; media-src https: "
    "http:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script at all, no style but ours; pictures may stand at the outlets (publish.images)."""


HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: a browser would then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def leading_to(origin: str) -> dict[str, str]:
    """The policy of a page whose form is answered by a redirect to this origin.

    Chromium holds the redirect of a sent form against form-action as well.
    """
    wider = POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")
    return {"Content-Security-Policy": wider}
