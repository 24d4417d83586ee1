"""How many mails sign-ups may cause: to one address, one mailbox, one domain, and to everybody.

Nobody may use our form to fill somebody's mailbox, or to make us a sender that providers shut out.
What goes beyond a mailbox's cap is not written; what goes beyond a domain's, or that of all
together, is written later, so that a flood delays others and never refuses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.audience.departures import BY_THE_OWNER
from service.collect.same_site import site_of
