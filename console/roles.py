"""Who may do what."""

from __future__ import annotations

from enum import StrEnum

from domain.text import N_


class Role(StrEnum):
    """What an account may do. Each may do what those before it may."""

    VIEWER = "viewer"  # looks
    OPERATOR = "operator"  # works on tickets
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"

    @property
    def may_act(self) -> bool:
        """Whether this role may change cases."""
        return self is not Role.VIEWER

    @property
    def may_decide(self) -> bool:
        """Whether this role may say which models are in charge."""
        return self in (Role.MANAGER, Role.ADMINISTRATOR)


ROLE_TEXT: dict[Role, str] = {
    Role.VIEWER: N_("viewer"),
    Role.OPERATOR: N_("operator"),
    Role.MANAGER: N_("manager"),
    Role.ADMINISTRATOR: N_("administrator"),
}
