"""The file of ticket systems: which there are and how they are reached. docs/ticket-systems.md."""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.notify.policy import LANGUAGES, Reference, Word
from alerts.notify.policy_file import check_reference, check_url, told
from desk.sinks.port import Stage
from domain.errors import BadInputError
from domain.report import Severity


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SystemSettings(_Part):
    """What all have in common.

    Attributes:
        prefix: of our keys there; another installation that writes to the same system needs another.
        severity: milder tickets are not told.
        poll_s: how often changes over there are fetched.
        hook: the secret of its calls to us, where it calls when something changes.
    """

    url: str
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]{0,30}$")] = "forecall"
    language: Literal["en", "zh", "fa"] = "en"
    time_zone: str = "UTC"
    severity: Severity = Severity.INFO
    poll_s: Annotated[float, Field(ge=5, le=86_400)] = 60.0
    hook: Reference | None = None

    @property
    def catalogue(self) -> str:
        return LANGUAGES[self.language]

    @property
    def base(self) -> str:
        return self.url.rstrip("/")


class ZammadSettings(SystemSettings):
    kind: Literal["zammad"]
    token: Reference
    group: str = "Users"
    customer: str


class GlpiSettings(SystemSettings):
    """`url` ends where `/apirest.php` begins. `user_token`: of the user's remote access keys."""

    kind: Literal["glpi"]
    user_token: Reference
    app_token: Reference | None = None
    entity: int | None = None


class JiraSettings(SystemSettings):
    """`user`: the token's e-mail address (Cloud); empty: a personal access token (Data Center).

    Attributes:
        statuses: the workflow's status for each of our stages; a stage without one moves nothing.
        priorities: the priority's name for each severity; empty: priorities are left alone.
    """

    kind: Literal["jira"]
    token: Reference
    user: str = ""
    project: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]+$")]
    issue_type: str = "Task"
    statuses: dict[Stage, str] = {
        Stage.NEW: "To Do",
        Stage.AT_WORK: "In Progress",
        Stage.RESOLVED: "Done",
        Stage.CLOSED: "Done",
    }
    priorities: dict[Severity, str] = {}


class ServiceNowSettings(SystemSettings):
    kind: Literal["servicenow"]
    user: str
    password: Reference
    table: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] = "incident"
    close_code: str = "Resolved by caller"


AnySettings = Annotated[
    ZammadSettings | GlpiSettings | JiraSettings | ServiceNowSettings, Field(discriminator="kind")
]


class TicketSystems(_Part):
    """The whole file."""

    systems: dict[Word, AnySettings] = {}


NO_SYSTEMS = TicketSystems()


def read_systems(text: str) -> TicketSystems:
    """The ticket systems in a TOML text. Raises BadInputError: the key, its value, what is allowed."""
    try:
        found = TicketSystems.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"is not TOML: {error}") from error
    except ValidationError as error:
        raise BadInputError("; ".join(told(error))) from error
    for name, system in found.systems.items():
        check_url(f"systems.{name}.url", system.url)
        for field in type(system).model_fields:
            value = getattr(system, field)
            if isinstance(value, Reference):
                check_reference(f"systems.{name}.{field}", value)
    return found
