"""What can be wrong with the log, by whose fault it is.

AuditError
├── EventError        the caller's event may not be recorded as it is
├── KeyFileError      the operator's key file is missing, unreadable or open to others
├── ExportError       the range asked for cannot be exported
└── LogDamagedError   what is stored is not what was signed: stop, and find out why
"""


class AuditError(Exception):
    """Base of every error that the log raises on purpose; its text says what to do."""


class EventError(AuditError, ValueError):
    """The event may not be recorded as it is."""


class KeyFileError(AuditError):
    """A key file is missing, unreadable or open to others."""


class ExportError(AuditError):
    """The range asked for cannot be exported."""


class LogDamagedError(AuditError):
    """What is stored is not what was signed.

    `index` is the leaf where the damage was seen, or None when it cannot be laid on one leaf.
    """

    def __init__(self, detail: str, *, index: int | None = None) -> None:
        where = "" if index is None else f"leaf {index}: "
        super().__init__(f"the log is damaged: {where}{detail}")
        self.index = index
