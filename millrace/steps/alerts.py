"""Telling people, once, and never at the cost of the work itself."""

import logging
from datetime import datetime

from millrace.adapters.alerts import AlertNotSentError, send_alert
from millrace.domain.alert import ALERTING_KINDS, Alert, alert_about
from millrace.domain.claim import ClaimDoneError, ClaimHeldError
from millrace.domain.facts import AlertSent
from millrace.domain.ledger import Entry
from millrace.settings import load_settings
from millrace.steps.actor import current_actor
from millrace.steps.claims import take_claim
from millrace.steps.stores import ledger

log = logging.getLogger(__name__)


def send_alerts(model: str, run_id: str, now: datetime) -> int:
    """Send every alert of the model that was not sent yet; return how many could not be sent.

    What could not be sent stays due: the next flow or `millrace reconcile` tries it again.
    """
    urls = load_settings().alert_urls
    if not urls:
        return 0
    return sum(not _send_once(entry, alert, urls, run_id, now) for entry, alert in list_due_alerts(model))


def list_due_alerts(model: str) -> list[tuple[Entry, Alert]]:
    """List what people were not told yet, oldest first."""
    entries = ledger().entries(model, (*ALERTING_KINDS, AlertSent))
    sent = {entry.fact.cause_seq for entry in entries if isinstance(entry.fact, AlertSent)}
    alerts = ((entry, alert_about(entry)) for entry in entries if entry.seq not in sent)
    return [(entry, alert) for entry, alert in alerts if alert is not None]


def _send_once(entry: Entry, alert: Alert, urls: tuple[str, ...], run_id: str, now: datetime) -> bool:
    try:
        claim = take_claim(f"alert:{entry.seq}", run_id)
    except (ClaimDoneError, ClaimHeldError):
        return True
    try:
        send_alert(urls, alert.title, _with_link(alert))
    except AlertNotSentError as error:
        log.warning("%s", error)
        ledger().release(claim)
        return False
    ledger().append(entry.model, AlertSent(entry.seq), now, current_actor(), claim)
    ledger().finish(claim, "sent")
    return True


def _with_link(alert: Alert) -> str:
    site = load_settings().site
    return f"{alert.body}\n{site.rstrip('/')}/{alert.page}" if site and alert.page else alert.body
