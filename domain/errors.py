"""The error tree. A boundary turns a library's error into one of these, `from` its cause."""


class ForecallError(Exception):
    """Something Forecall can explain to a person. The message says what, where and what is allowed."""


class ConfigurationError(ForecallError):
    """A setting is unknown, missing or out of range; names the key."""


class BadInputError(ForecallError):
    """Input from outside does not fit its contract; names the field, the value and what is allowed."""


class UndecodableMessageError(BadInputError):
    """A device's message can't be read. It is kept, with this reason, in `rejected_message`."""


class StoreUnavailableError(ForecallError):
    """The database does not answer. Intake waits and tries again; nothing is acknowledged meanwhile."""


class BrokerUnavailableError(ForecallError):
    """The MQTT broker does not answer or refuses the connection; says why."""


class DeviceUnreachableError(ForecallError):
    """A device did not answer a poll; `reason` tells how it failed.

    Attributes:
        reason: one of `refused`, `timeout`, `reset`, `auth_failed`, `protocol`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotAllowedError(ForecallError):
    """The transition or action is not allowed in the present state; names both."""


class ChangedMeanwhileError(NotAllowedError):
    """Somebody else has changed the thing since it was shown; names who and what."""


class NotFoundError(ForecallError):
    """The named thing does not exist."""


class NotDeliveredError(ForecallError):
    """A message did not reach its receiver; says why.

    Attributes:
        permanent: to send it again can't help.
        retry_after_s: how long the receiver asks to wait, in seconds; None: it did not say.
        busy: it is well and would take the message later: this was no failed attempt.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
        busy: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.busy = busy
