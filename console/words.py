"""Labels for the codes of other rooms, as they are shown. Unknown codes are shown as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.board import SYSTEM
from alerts.lifecycle import STATE_TEXT as ALERT_STATE_TEXT
from console.roles import ROLE_HELP, ROLE_TEXT, SCOPE_TEXT
from desk.case import ORIGIN_TEXT
from desk.lifecycle import CANCEL_TEXT, MOVES
from desk.lifecycle import STATE_TEXT as TICKET_STATE_TEXT
from domain.device import CAUSE_TEXT, KIND_TEXT, STATE_TEXT
from domain.fault import (
    CAUSED_BY_TEXT,
    FAULT_CLASS_TEXT,
    FINDING_TEXT,
    GRADE_TEXT,
    HANDLING_TEXT,
)
from domain.text import N_
from domain.vocabulary import COMPONENTS as KNOWN_COMPONENTS
from models.live.outcomes import OUTCOME_TEXT
from models.registry.catalogue import STAGE_TEXT

__all__ = ["SYSTEM"]


def _by_code(labels: Mapping[Any, str]) -> Mapping[str, str]:
    """Another room's labels, by the codes that stand in the store."""
    return {str(code): label for code, label in labels.items()}


STATES: Mapping[str, str] = _by_code(STATE_TEXT)
DEVICE_FILTERS: Mapping[str, str] = {**STATES, "found": N_("found, not adopted")}
KINDS: Mapping[str, str] = _by_code(KIND_TEXT)
COLLECTORS: Mapping[str, str] = {
    "mqtt": N_("terminals' collector"),
    "zkteco": N_("clocks' poller"),
    "adms": N_("clocks' receiver"),
}
SEVERITIES: Mapping[str, str] = {
    "info": N_("information"),
    "warning": N_("warning"),
    "error": N_("error"),
    "critical": N_("critical"),
}
ALERT_STATES: Mapping[str, str] = _by_code(ALERT_STATE_TEXT)
ALERT_ORIGINS: Mapping[str, str] = {
    "prediction": N_("prediction"),
    "transition": N_("device down"),
    "event": N_("reported by the device"),
    "threshold": N_("threshold"),
    "anomaly": N_("unusual behaviour"),
    "consumable": N_("supply runs out"),
    "batch": N_("many devices at once"),
    "state": N_("state of a part"),
    "rate": N_("rate of change"),
    "absence": N_("silence"),
    "forecast": N_("forecast"),
    "external": N_("another system"),
}
SCOPES_OF_WINDOWS: Mapping[str, str] = {
    "site": N_("site"),
    "customer": N_("customer"),
    "device": N_("device"),
}
BATCH_KINDS: Mapping[str, str] = {
    "site": N_("site"),
    "router": N_("router"),
    "switch": N_("switch"),
    "segment": N_("network segment"),
    "power": N_("power feed"),
    "firmware": N_("firmware"),
    "model": N_("model"),
    "fleet": N_("the whole fleet"),
}
TICKET_ORIGINS: Mapping[str, str] = ORIGIN_TEXT
SUBJECTS: Mapping[str, str] = {
    "ticket": N_("Ticket"),
    "alert": N_("Alert"),
    "batch": N_("Many devices at once"),
}
OPENNESS: Mapping[str, str] = {"open": N_("open"), "closed": N_("closed")}
REGIONS: Mapping[str, str] = {
    "urban": N_("urban"),
    "suburban": N_("suburban"),
    "other_city": N_("other city"),
}
REPORTED: Mapping[str, str] = {
    "online": N_("online"),
    "offline": N_("offline"),
    "powerOff": N_("switched off"),
    "noDevice": N_("no device"),
    "hardwareError": N_("hardware error"),
    "userError": N_("user error"),
    "deviceBusy": N_("busy"),
    "fraudAttempt": N_("fraud attempt"),
    "potentialFraud": N_("possible fraud"),
    "starting": N_("starting"),
}
POLL_FAILURES: Mapping[str, str] = {
    "refused": N_("connection refused"),
    "timeout": N_("no answer in time"),
    "reset": N_("connection reset"),
    "auth_failed": N_("wrong communication key"),
    "protocol": N_("answer not understood"),
}
CAUSES: Mapping[str, str] = _by_code(CAUSE_TEXT)
DETAILS: Mapping[str, str] = {**REPORTED, **POLL_FAILURES}
FAULT_CLASSES: Mapping[str, str] = _by_code(FAULT_CLASS_TEXT)
ROLES: Mapping[str, str] = _by_code(ROLE_TEXT)
TICKET_STATES: Mapping[str, str] = _by_code(TICKET_STATE_TEXT)
HANDLINGS: Mapping[str, str] = _by_code(HANDLING_TEXT)
GRADES: Mapping[str, str] = _by_code(GRADE_TEXT)
FINDINGS: Mapping[str, str] = _by_code(FINDING_TEXT)
CAUSED_BY: Mapping[str, str] = _by_code(CAUSED_BY_TEXT)
SCOPES: Mapping[str, str] = _by_code(SCOPE_TEXT)
ROLES_HELP: Mapping[str, str] = _by_code(ROLE_HELP)
CANCEL_REASONS: Mapping[str, str] = _by_code(CANCEL_TEXT)
MODEL_STAGES: Mapping[str, str] = _by_code(STAGE_TEXT)
OUTCOMES: Mapping[str, str] = _by_code(OUTCOME_TEXT)
MOVE_LABELS: Mapping[str, str] = {name: move.label for name, move in MOVES.items()}
ACTIONS: Mapping[str, str] = {
    **MOVE_LABELS,
    "acknowledge": N_("Acknowledge"),
    "assign": N_("Assign"),
    "note": N_("Add the note"),
    "report_by_phone": N_("Report by telephone"),
    "call_by_phone": N_("Write down a call"),
    "call_by_portal": N_("Report by the customer's link"),
    "call_by_api": N_("Report by a program"),
    "identify": N_("Say which device a call is about"),
    "join": N_("Join a call to a ticket"),
    "found": N_("Say what was found"),
    "classify": N_("Say what kind of fault it is"),
    "add_account": N_("Add an account"),
    "change_account": N_("Change an account"),
    "set_password": N_("Set a password"),
    "make_token": N_("Make a token"),
    "make_report": N_("Make a report"),
    "revoke_token": N_("Revoke a token"),
    "make_link": N_("Make a customer's link"),
    "revoke_link": N_("Revoke a customer's link"),
    "add_customer": N_("Add a customer"),
    "change_customer": N_("Change a customer"),
    "add_site": N_("Add a site"),
    "change_site": N_("Change a site"),
    "add_engineer": N_("Add an engineer"),
    "change_engineer": N_("Change an engineer"),
    "shelve": N_("Shelve an alert"),
    "unshelve": N_("Take an alert off the shelf"),
    "take_out_of_service": N_("Take out of service"),
    "return_to_service": N_("Return to service"),
    "void_warranty": N_("Say that a warranty is void"),
    "close_month": N_("Close a month of the review"),
    "dispute": N_("Dispute an event of the review"),
    "decide_dispute": N_("Decide a dispute"),
    "hold_out": N_("Set which predictions are held out"),
    "make_reader": N_("Make a login that may only read"),
    "shard_dropped": N_("Give up a collector's share"),
    "take_plans": N_("Take over the service plans"),
    "add_window": N_("Plan maintenance"),
    "cancel_window": N_("End planned maintenance"),
    "declare_parent": N_("Declare what devices hang on"),
    "declare_down": N_("Say that what devices hang on is down"),
    "declare_up": N_("Say that what devices hang on is up again"),
    "remove_parent": N_("Nothing hangs on it any more"),
    "refuse_parent": N_("They hang on nothing together"),
    "retry_delivery": N_("Send again what was not delivered"),
    "adopt": N_("Adopt"),
    "add_device": N_("Add a device"),
    "retire": N_("Take a device out of the fleet"),
    "import_devices": N_("Import devices"),
    "make_login": N_("Make a login"),
    "revoke_login": N_("Revoke a login"),
    "read_attendance": N_("Read attendance records"),
    "ask_clock": N_("Ask a clock"),
    "promote_model": N_("Put a model in charge"),
    "challenge_model": N_("Let a model score in shadow"),
    "retire_model": N_("Retire a model"),
    "rollback_model": N_("Put the model before in charge again"),
}
"""What people do, as the audit names it."""
COMPONENTS = tuple(KNOWN_COMPONENTS)
