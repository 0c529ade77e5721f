"""What the API answers. Times are UTC; sentences are templates with values, in English."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from desk.lifecycle import CancelReason
from domain.fault import CausedBy, Finding, Grade, Handling

Sentence = dict[str, Any]
"""`template` and `values`: fill the values in to read it; a value may be a sentence again."""


class Device(BaseModel):
    id: int
    key: str = Field(description="Its name in its own protocol.")
    kind: str
    model: str
    firmware: str
    serial: str
    installed_on: date | None
    simulated: bool
    adopted_at: datetime | None = Field(description="Null: found, not adopted.")
    state: str = Field(description="up, down or unwatched.")
    since: datetime | None
    last_seen_at: datetime | None
    site: str | None
    customer: str | None


class Reading(BaseModel):
    at: datetime
    received_at: datetime
    device: str
    metric: str
    value: float


class Event(BaseModel):
    at: datetime
    received_at: datetime
    device: str
    component: str
    code: str
    severity: str
    dialect: str
    raw_code: str


class Transition(BaseModel):
    id: int
    at: datetime
    recorded_at: datetime
    device: str
    from_state: str
    to_state: str
    cause: str
    detail: str
    component: str


class Within(BaseModel):
    days: int
    probability: float = Field(description="Of a failure within so many days, 0 to 1.")


class Prediction(BaseModel):
    kind: Literal["failure"] = "failure"
    at: datetime
    device: str
    component: str
    model_id: int
    horizon_h: float
    probability: float = Field(description="Of a failure within the horizon, 0 to 1.")
    threshold: float
    reasons: list[Sentence] = Field(description="Strongest first, each with its share.")
    within: list[Within]


class Supply(BaseModel):
    kind: Literal["consumable"] = "consumable"
    at: datetime
    device: str
    component: str
    metric: str
    level: float
    edge: float = Field(description="The level at which it is empty or full.")
    early: datetime | None = Field(description="One in ten ends before. Null: in over 30 days.")
    likely: datetime | None = Field(description="Half of them end before.")
    late: datetime | None = Field(description="One in ten ends after.")
    visit: datetime = Field(description="When somebody is expected to come by anyway.")


class Anomaly(BaseModel):
    kind: Literal["anomaly"] = "anomaly"
    at: datetime
    device: str
    component: str
    score: float
    chance: float = Field(description="Of so high a score where all is well.")
    reasons: list[Sentence] = Field(description="Strongest first, each with its share.")


class ModelCheck(BaseModel):
    kind: str = Field(description="usable, inputs, calibration or tickets.")
    at: datetime
    value: float | None = Field(description="Null: too little was seen to say.")
    bound: float | None
    alarmed: bool
    said: Sentence


class Model(BaseModel):
    id: int
    task: str
    stage: str = Field(description="candidate, challenger, champion or retired.")
    trained_at: datetime
    promoted_at: datetime | None = Field(description="When it took charge, if it did.")
    scored_at: datetime | None = Field(description="When it was asked last.")
    train_from: datetime
    train_until: datetime
    test_from: datetime | None
    test_until: datetime | None
    horizon_h: float
    feature_schema: str
    threshold: float
    metrics: dict[str, Any] = Field(
        description="Figures of the held-out period: test (the model), rule, logistic, reliability."
    )
    settings: dict[str, Any]
    gate: dict[str, Any] = Field(description="passed, and checks with what was said of each.")
    checks: list[ModelCheck] = Field(description="Whether it still fits, as last looked at.")
    artifact_sha256: str


class Alert(BaseModel):
    id: int
    device: str | None = Field(description="Null: the alert of a batch.")
    component: str
    fault_class: str
    state: str = Field(description="After ISA-18.2.")
    severity: str
    origin: str
    rule: str
    message: Sentence
    reasons: list[Sentence]
    probability: float | None
    active: bool
    opened_at: datetime
    last_sign_at: datetime
    signs: int
    closed_at: datetime | None
    batch_id: int | None = Field(description="The batch that it is, or is a member of.")


class Ticket(BaseModel):
    id: int
    device: str | None = Field(description="Null: of a batch, or not known yet.")
    site: str | None
    batch_id: int | None
    component: str
    fault_class: str
    alert_id: int | None
    origin: str
    state: str
    severity: str
    title: Sentence
    assignee: str | None
    repeat_of: int | None
    opened_at: datetime
    predicted_at: datetime | None
    failed_at: datetime | None
    closed_at: datetime | None
    level: int = Field(description="How often it was escalated.")
    finding: str | None = Field(
        description="What was found: worn, failed, no_fault_found, cannot_tell."
    )
    caused_by: str | None = Field(description="device, user, staff or outside.")
    handling: str | None = Field(
        description="operator, maintenance or replacement, where somebody said so."
    )
    grade: str | None = Field(description="ordinary or major, where somebody said so.")
    calls: int = Field(description="How often customers called about it.")
    version: int


class Uptime(BaseModel):
    key: str
    name: str
    up_s: float
    down_s: float
    unwatched_s: float
    off_hours_s: float = Field(description="Outside the service hours; the others are within them.")
    excluded_s: dict[str, float] = Field(description="Downtime that does not count, by reason.")
    failures: int
    ratio: float | None = Field(description="up / (up + down); null when nobody watched.")
    mtbf_h: float | None = Field(description="Of a component: its MTTF. null: nothing failed.")
    mttr_h: float | None
    failure_rate: float | None = Field(description="Per 1,000 hours of up time.")
    failure_rate_low: float | None = Field(description="Of its 95 % interval.")
    failure_rate_high: float | None


class DowntimeEvidence(BaseModel):
    reason: str
    id: int = Field(description="Of the window, the batch, the ticket or the dispute.")


class Downtime(BaseModel):
    device: str
    start: datetime
    end: datetime
    counts_s: float
    excluded_s: dict[str, float]
    evidence: list[DowntimeEvidence]
    cause: str
    detail: str
    component: str


class Site(BaseModel):
    id: int
    key: str
    name: str
    customer: str
    engineer: str | None
    city: str
    region_class: str
    time_zone: str
    devices: int


class Engineer(BaseModel):
    id: int
    key: str
    name: str
    region: str
    sites: int
    open_tickets: int


class Punch(BaseModel):
    at: datetime
    local_time: datetime = Field(description="As the clock wrote it, in the site's time zone.")
    zone: str
    site: str = Field(description="Where it was made; empty: not known.")
    device: str
    serial: str = Field(description="Of the clock that recorded it.")
    user_ref: str
    status: int = Field(description="How the user was recognised; the vendor's verify type.")
    punch: int = Field(description="What it was: 0 in, 1 out, ...; 255: not said.")
    nth: int = Field(description="Its place among equal punches of one second.")


class AttendanceGap(BaseModel):
    device: str
    serial: str
    site: str
    kind: str = Field(description="no_punches, not_seen, cleared or missing.")
    day: date
    since: datetime | None
    count: int


class Report(BaseModel):
    """A fault that somebody reports."""

    words: str = Field(min_length=1, max_length=2000)
    device: str | None = Field(None, max_length=255, description="Its key.")
    site: str | None = Field(None, max_length=128, description="Where the device is not known.")
    component: str | None = Field(None, max_length=64, description="Null: not known.")
    caller: str = Field("", max_length=128)
    phone: str = Field("", max_length=128)
    reference: str | None = Field(
        None, max_length=128, description="Your own; the same one again is the same report."
    )


class _Seen(BaseModel):
    version: int | None = Field(
        None, description="Of the ticket that you decided on; 409 if somebody has decided since."
    )


class WhatWasFound(_Seen):
    finding: Finding | None = None
    caused_by: CausedBy | None = None
    note: str = Field("", max_length=2000)


class KindOfFault(_Seen):
    handling: Handling | None = None
    grade: Grade | None = None
    note: str = Field("", max_length=2000)


class MoveWanted(WhatWasFound):
    name: str = Field(max_length=64, description="Such as plan, dispatch, arrive, repair, close.")
    reason: CancelReason | None = Field(None, description="Of a cancellation.")
    duplicate_of: int | None = Field(
        None, ge=1, description="The ticket that goes on, when this one ends as its duplicate."
    )


class NoteWanted(BaseModel):
    text: str = Field(min_length=1, max_length=2000)


class Assignment(_Seen):
    engineer: str = Field(max_length=128, description="The engineer's key.")
