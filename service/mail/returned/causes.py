"""Judges from status and words whether an address can take mail at all.

Hard is only what the *address* will not mend: no such mailbox, no such domain, moved away, takes
no mail. A full mailbox, a filter, a refused sender or a slow server is soft, also with a 5xx
(RFC 3463 3.3 and 3.8: X.2.2 and X.7.x are 5xx as often as not). Words win over numbers: servers
write 5.0.0, 5.5.0 or 5.2.1 where they mean 5.1.1, and 5.1.0 or 5.1.8 where they mean us.
"""

from __future__ import annotations

import re

_READ_AT_MOST = 8000
_STATUS = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\w]|\.\d)")
_REPLY = re.compile(r"(?<![\w.:/-])([45])\d\d(?=[ -]|$)")


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_ABOUT_US = _any(
    r"sender( address)?( was| is)? (rejected|denied|blocked|not)",
    r"(rejected|refused|invalid|bad|unknown) (mail from|sender|return path)",
    r"domain of sender|sender('s)? (domain|e-?mail address|address)|mail from (address|domain)",
    r"\bspf\b|\bdkim\b|\bdmarc\b|authenticat|not (allowed|permitted|authori[sz]ed) to (send|relay)",
    r"\brelay(ing)? (access |not |is )*(denied|allowed|permitted|prohibited)|unable to relay",
    r"blacklist|black list|blocklist|block list|blocked|spamhaus|reputation|banned|\brbl\b|dnsbl",
    r"(?<!rejected: )access denied|after mail from|procmail|couldn.t create",
    r"groups\.google\.com|no \S+ field given",
    r"\breverse dns|\bptr\b|\bhelo\b|\behlo\b|too many|rate limit|temporarily",
)
_OWN_WORDS = _any(
    r"recipient address rejected: access denied",  # Microsoft, with 5.4.1
    r"delivery error: dd this user doesn.t have",  # Yahoo, which says so only after DATA
    r"account or domain may not exist",  # cPanel's Exim
    r"\b542 \S{1,254} rejected",  # Symantec, of an address that its customer has not registered
)
"""How large providers say that they do not know an address, where their words mislead."""

_AFTER_DATA = _any(
    r"in reply to (the )?(end of )?data|after (the )?(end of )?data\b|at (the )?end of data",
    r">>> (data|\.)\s+<<< [45]\d\d|smtp command:?\s+data|\(data\)",
)
_PIPELINED = _any(r"<<< 503|<<< 554 [^\n]{0,80}recipient")
"""DATA was on its way already when RCPT was refused: the refusal is an answer to RCPT."""

_FULL = _any(
    r"mail ?(box|folder|file)( \S+)? (is )?(currently )?(full|too large)|(inbox|box) (is )?full",
    r"account is full|full mailbox|over ?(the |its |their |his |disk |disc |allowed )*quota",
    r"quota (is |was |usage |limit |violation )*(full|exceed|reach|for)|disk ?(full|quota)",
    r"(exceed\w{0,5}|out of|reached|over) (\S+ ){0,4}quota|(exceed(s|ed)?|over) (\S+ ){0,3}storage",
    r"exceed\w{0,5} (\S+ ){0,3}(mailbox (size|limit)|local limit|disk space|maximum allowed)",
    r"insufficient .{0,20}storage|storage (limit|allocation|space)|mailbox size limit",
    r"(not|n.t have) enough (\S+ )?space|no space left|space has been used up|too much mail",
    r"too many messages|receiving mail at a rate|mail file size|bo[iî]te .{0,20}(pleine|archiv)",
    r"メールボックスが一杯|容量|hộp thư (đã |bị )*đầy|postfach .{0,20}voll|buzón .{0,20}llen[oa]",
)
_FILTERED = _any(
    r"spam|junk|virus|malware|content|policy|policies|filter|preferences|not a member|moderat",
    r"mailing list|permission|restricted|not accepting (messages from|any mail)|only accept",
    r"message (size|length|is too|too)|too (big|large)|size limit|user rules|notauthorized",
    r"refuses? to (receive|accept)|user reject|protected by|bounced address",
)
_LATER = _any(
    r"timed? ?out|expired|retr(y|ies)|try again|be(en)? delayed",
    r"(not|n.t) accept our requests|still trying|connection (refused|reset|lost)",
    r"command died|name service error|loop|too many hops|not reachable within|undeliverable for",
    r"(not|no longer) active|disabled|inactive|suspend|on hold|deactivated|locked|frozen",
    r"terminated|no longer accepts mail|access denied",
)
_GONE = _any(
    r"(user|recipient|mailbox|mail box|account|address(ee)?|alias|employee|login)s?"
    r"( \S{1,80}| name| address| here)?"
    r"( is| was| are| has| could| can| does| do| did)*( not|n.t) (be )?"
    r"(exist|found|known|listed|valid|recogni[sz]ed|registered|a valid|available here|local)",
    r"doesn.t have (an?|any) \S+ account|isn.t (found|listed|known)",
    r"(unknown|no such|invalid|nonexist[ea]nt|non-exist[ea]nt|bad|illegal|undefined|unrouteable"
    r"|unroutable|undeliverable)"
    r" (local |destination |smtp |remote |virtual |or illegal |mail )*"
    r"(user|recipient|mailbox|account|address(ee)?|alias|local-part|person|adresse)",
    r"(user|recipient|mailbox|account|address|addressee|alias|name):?( \S{1,80}){0,3}"
    r" (unknown|invalid|nonexistent|non-existent)\b",
    r"unknown (in|at|to) |not our customer|no longer (exists?|valid|in use|on server|works?)",
    r"no (mailbox|mail box|user|account)( here| found| by| with| exists?)",
    r"not a valid (user|mailbox)|no valid recipients|not listed in|does not like recipient",
    r"final delivery userid|name is not recogni[sz]ed|no matches to|badrcptto",
    r"disabled or discontinued",
    r"no such (local |e-?mail )?(address|recipient|mailbox|person|account|name)|no one at this",
    r"there is no (such|one)|not a (local|known|valid) |unknown e-?mail|recipient ?not ?(found|ok)",
    r"address not present|mailbox not present|recipient (is )?not (local|known|exist)",
    r"badrecipientto|can.t accept user|list of allowed rcpthosts|missing home directory",
    r"your envelope recipient|bad address|nessuna casella|utilisateur inconnu|not email addresses",
    r"does not have a final email delivery point",
    r"not in (the |our )*(directory|list)",
    r"(wasn.t|was not|could not be|not) found( at| in|[ .]|$)|(does not|doesn.t) exist",
    r"has been (deleted|removed|closed)|has (moved|left|changed)|recipient address rejected\W*$",
    r"mailbox unavailable|account( is| has been)? (closed|deleted|terminated)|n'existe pas",
    r"existiert nicht|unbekannte?r? (empf|benutzer)|destinataire (inconnu|invalide)|no existe",
    r"không tồn tại|không tìm thấy (người nhận|địa chỉ|hộp thư)",
    r"宛先不明|存在しません|見つかりません|不存在",
)
_NOWHERE = _any(
    r"(unknown|no such|invalid|illegal|bad) (destination |mail |recipient )?(host|domain)",
    r"(host|domain)( name)?( or domain name)?( \S{1,80})?( is| was| not)*"
    r" (unknown|not found|invalid)",
    r"domain (\S+ )?(does not|doesn.t) (exist|accept)|domain (\S+ )?is not reachable",
    r"(does not|doesn.t) (accept|receive) (any |e-?)?mail|null ?mx|no mail exchanger|no mx",
    r"indicated no smtp service|illegal host/domain|non-existent host|host not found",
    r"name or service not known|unknown domain|domain must exist|no route for current request",
    r"unrouteable mail domain|all relevant mx|couldn.t find any host|nxdomain",
    r"DNS error.{0,200}not found|mail server.{0,200}could not be found",
)
_ONLY_LATE = _any(
    r"warning message only|do not need to re-?send|will be retried|has been delayed",
    r"only a temporary failure report|not yet been delivered|attempts to deliver .{0,40}continue",
    r"will (keep|continue) (trying|to try|attempting)|delivery of your message .{0,20}delayed",
)
_AGAIN = _any(r"found,? try again|will (be )?retr|temporary failure")
_FOR_GOOD = _any(
    r"failed permanently",
    r"undeliverable to ",
    r"unable to deliver message to <",
    r"permanent error; i.ve given up",
)
"""Without any reason: then this word counts."""

_DEAD_SUBJECTS = frozenset({(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 6), (1, 10), (4, 4)})
_NEVER_DEAD = frozenset({(2, 2), (1, 7), (1, 8), (4, 3)})
_POLICY = 7
_NAME = re.compile(r"(?<![\w.])55[13][ -]")
"""Reply codes that are about the mailbox name alone (RFC 5321 4.2.3)."""


def is_after_data(text: str) -> bool:
    """Whether the refusal came after DATA: then it is about that mail (docs/decisions/047)."""
    return _AFTER_DATA.search(text) is not None and _PIPELINED.search(text) is None


def is_only_late(text: str) -> bool:
    """Whether the words say that the server goes on trying."""
    return _ONLY_LATE.search(text[:_READ_AT_MOST]) is not None


def status_in(text: str) -> str:
    """The first RFC 3463 status in the words, such as "5.1.1"; "" where none is written."""
    found = _STATUS.search(text)
    return "" if found is None else found[0]


def is_permanent(status: str, text: str) -> bool | None:
    """Whether the server will say the same tomorrow: by status, else reply code. None: unsaid."""
    family = status[:1] or next((found[1] for found in _REPLY.finditer(text)), "")
    return None if not family else family == "5"


def is_about_us(status: str, text: str, *, after_data: bool = False) -> bool:
    """Whether sender, relay or that mail was refused: it says nothing of the address."""
    text = text[:_READ_AT_MOST]
    if _OWN_WORDS.search(text):
        return False
    subject = _subject(status, text)
    policy = subject is not None and subject[0] == _POLICY and not _NAME.search(text)
    return policy or after_data or is_after_data(text) or _ABOUT_US.search(text) is not None


def _subject(status: str, text: str) -> tuple[int, int] | None:
    """The second and third number of the status, else of the first one in the text."""
    found = _STATUS.match(status) or _STATUS.search(text)
    return (int(found[2]), int(found[3])) if found else None


def is_hard(status: str, text: str, *, after_data: bool = False) -> bool:
    """Whether the address takes no mail and never will. `status` "" and any `text` are fine.

    `after_data`: it is known from elsewhere that the refusal came after DATA.
    """
    text = text[:_READ_AT_MOST]
    if _OWN_WORDS.search(text):
        return True
    subject = _subject(status, text)
    of_us = is_about_us(status, text, after_data=after_data)
    if of_us or subject in _NEVER_DEAD or _FULL.search(text) or _AGAIN.search(text):
        return False
    permanent = is_permanent(status, text) is not False
    if _GONE.search(text) or (permanent and _NOWHERE.search(text)):
        return True
    if not permanent or _FILTERED.search(text) or _LATER.search(text):
        return False
    return subject in _DEAD_SUBJECTS or _FOR_GOOD.search(text) is not None
