"""How full the disks under the gateway are: said long before the log can take no more."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from gateway.ports import Readiness

log = logging.getLogger(__name__)
WARN_AT = 0.9
"""The share of a disk in use from which on the operator is told."""

_MEBIBYTE = 1 << 20
Used = Callable[[Path], tuple[int, int, int]]


class Disk:
    """Watches the file systems of these folders. `usage` gives total, used and free bytes of one."""

    def __init__(self, *folders: Path, usage: Used = shutil.disk_usage) -> None:
        self.usage = usage
        self._folders = tuple(dict.fromkeys(folders))
        self._told = False

    def used_share(self) -> float:
        """The fullest of them: 0.0 is empty, 1.0 full. A folder that is gone is the log's news, not ours."""
        return max(self._share(folder) for folder in self._folders)

    def readiness(self) -> Readiness:
        """Never red by itself, for a disk that is nearly full still takes records; the detail is the warning."""
        fullest = max(self._folders, key=self._share)
        share = self._share(fullest)
        if share < WARN_AT:
            self._told = False
            return Readiness(ok=True)
        left = self.usage(fullest)[2] // _MEBIBYTE
        detail = (
            f"The disk under {fullest.name} is {share:.0%} full ({left} MB left); make room, "
            "or soon nothing can be recorded."
        )
        if not self._told:
            log.warning("%s", detail)
        self._told = True
        return Readiness(ok=True, detail=detail)

    def _share(self, folder: Path) -> float:
        try:
            _, used, free = self.usage(folder)
        except OSError:
            return 0.0
        # What is kept back for the system's own users is no room for us.
        return used / (used + free) if used + free else 1.0
