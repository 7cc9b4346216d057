"""Errors say whose fault it is.

LoopgateError
├── CallerError            the request is wrong; the caller can mend it
│   ├── MalformedError       not the documented form (400/422)
│   ├── UnauthenticatedError no believable credential (401)
│   ├── OutOfScopeError      a credential that may not do this (403)
│   ├── NotFoundError        nothing there that the caller may see (404)
│   ├── ConflictError        true once, not any more (409)
│   └── TooManyRequestsError more than an agent may ask for in this time (429)
├── TargetError            GitLab, Jira or git answered badly
│   ├── TargetRefusedError   a clear no, with the target's own words; nothing happened
│   └── TargetUnclearError   time-out, lost reply, 5xx on a write: may have happened
├── LedgerUnavailableError the log or the database cannot take a record: nothing is done
└── SettingsError          the operator's files or settings are wrong

Denial is not an error: it is an outcome (core/outcomes.py).
"""

from gateway.core.secret_detectors import find, redacted


class LoopgateError(Exception):
    """Base of every error this product raises on purpose.

    `code` is stable and documented in docs/reference/errors.md; `detail` is a sentence that says
    what to do. Words of others in it (a vendor's, git's) lose what looks like a secret: it is shown and recorded.
    """

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        detail = redacted(detail, find(detail))
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class CallerError(LoopgateError):
    """The caller can mend this."""

    code = "bad_request"


class MalformedError(CallerError):
    """The request does not have the documented form; `field` is a JSON pointer where known."""

    code = "malformed"

    def __init__(self, detail: str, *, field: str = "", code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.field = field


class UnauthenticatedError(CallerError):
    """No credential, or one that is unknown, expired or revoked."""

    code = "unauthenticated"


class OutOfScopeError(CallerError):
    """The credential is good but may not do this; the detail names what it may do."""

    code = "out_of_scope"


class NotFoundError(CallerError):
    """There is nothing under that name that the caller may see."""

    code = "not_found"


class ConflictError(CallerError):
    """The request was right for a state that has passed."""

    code = "conflict"


class TooManyRequestsError(CallerError):
    """More than an agent may ask for in this minute or hour; come back in `retry_after_s` seconds."""

    code = "too_many_requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TargetError(LoopgateError):
    """A target system answered badly."""

    code = "target_error"


class TargetRefusedError(TargetError):
    """The target said no, in its own words; nothing was changed. `retryable` after a 429."""

    code = "target_refused"

    def __init__(self, detail: str, *, retryable: bool = False, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retryable = retryable


class TargetUnclearError(TargetError):
    """The request may or may not have had its effect: a time-out, a lost reply, a 5xx on a write."""

    code = "in_doubt"


class FactsMissingError(TargetError):
    """A read failed, so a fact is missing; `until_ms` when the target said when to come back."""

    code = "facts_missing"

    def __init__(self, detail: str, *, until_ms: int | None = None, retryable: bool = True) -> None:
        super().__init__(detail)
        self.until_ms = until_ms
        self.retryable = retryable


class LedgerUnavailableError(LoopgateError):
    """The record could not be made durable and signed, so nothing was done."""

    code = "log_unavailable"


class SettingsError(LoopgateError):
    """A setting or a file of the operator is missing or wrong."""

    code = "settings"
