"""Labels for the codes of other rooms, as they are shown. Unknown codes are shown as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.board import SYSTEM
from alerts.lifecycle import STATE_TEXT as ALERT_STATE_TEXT
from console.roles import ROLE_TEXT
from desk.lifecycle import CANCEL_TEXT, MOVES
from desk.lifecycle import STATE_TEXT as TICKET_STATE_TEXT
from domain.device import CAUSE_TEXT
from domain.fault import FAULT_CLASS_TEXT
from domain.text import N_
from domain.vocabulary import COMPONENTS as KNOWN_COMPONENTS
from models.live.outcomes import OUTCOME_TEXT
from models.registry.catalogue import STAGE_TEXT

__all__ = ["SYSTEM"]


def _by_code(labels: Mapping[Any, str]) -> Mapping[str, str]:
    """Another room's labels, by the codes that stand in the store."""
    return {str(code): label for code, label in labels.items()}


STATES: Mapping[str, str] = {
    "up": N_("up"),
    "down": N_("down"),
    "unwatched": N_("not watched"),
}
DEVICE_FILTERS: Mapping[str, str] = {**STATES, "found": N_("found, not adopted")}
KINDS: Mapping[str, str] = {
    "clock": N_("attendance clock"),
    "pos": N_("POS terminal"),
    "kiosk": N_("kiosk"),
}
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
}
TICKET_ORIGINS: Mapping[str, str] = {
    "prediction": N_("prediction"),
    "rule": N_("rule"),
    "device": N_("device"),
    "phone": N_("phone"),
    "portal": N_("portal"),
    "api": N_("API"),
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
    "adopt": N_("Adopt"),
    "add_device": N_("Add a device"),
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
