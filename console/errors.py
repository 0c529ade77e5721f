"""What the console refuses by itself, on top of the domain's errors."""

from __future__ import annotations

from domain.errors import ForecallError


class LoginNeededError(ForecallError):
    """The page is for accounts, and nobody is logged in."""


class NotPermittedError(ForecallError):
    """The account's role does not allow it, or the form did not come from this console."""


class TooManyAttemptsError(ForecallError):
    """Too many failed logins, or too many requests. `wait_s`: how long to wait, in seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s
