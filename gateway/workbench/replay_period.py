"""Periods as people write them: `7d`, `24h`, `2026-11-01`, `2026-11-01T09:00:00Z`."""

import re
from datetime import UTC, datetime

from gateway.core.errors import SettingsError

_AGO = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def moment_ms(text: str, now_ms: int) -> int:
    """The moment a text names, in milliseconds since 1970, UTC. A time without a zone is UTC.

    Raises `SettingsError` with the forms there are.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        return max(now_ms - int(ago[1]) * _UNITS[ago[2]], 0)
    try:
        named = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"{text!r} is no moment: write 7d, 24h, 90m or 2w for a time before now, or 2026-11-01, or 2026-11-01T09:00:00Z."
        ) from error
    milliseconds = int((named if named.tzinfo else named.replace(tzinfo=UTC)).timestamp() * 1000)
    if milliseconds < 0:
        raise SettingsError(f"{text} lies before 1970; there was no gateway then.")
    return milliseconds
