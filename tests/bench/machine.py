"""What the machine gives: cores, CPU time of a process, the time its disk takes to make a write durable."""

import os
import subprocess
import time
from pathlib import Path
from statistics import median

_TICKS = os.sysconf("SC_CLK_TCK")
_SYNCS = 60


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads, and of children it has waited for (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / _TICKS


def resident_bytes(pid: int) -> int:
    """How much memory of the machine a process holds (proc(5), statm)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def fsync_ms(folder: Path) -> float:
    """The middle time to append 4 KiB to a file there and make it durable, in milliseconds."""
    times = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return 1000 * median(times)


def file_system(folder: Path) -> str:
    """The kind of file system a folder is on."""
    ran = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True)
    return ran.stdout.strip()
