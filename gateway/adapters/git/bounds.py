"""How much of this machine one question to git may take, and how much of a change is measured."""

from pydantic import Field

from gateway.core.model import Model

_MEBIBYTE = 1 << 20


class Bounds(Model):
    """Limits of the git adapter. Seconds, bytes and counts.

    The first group protects the machine: a git process beyond it is ended. The second bounds what is measured:
    a change beyond it is `truncated`, and policy never judges that small.
    """

    local_s: float = Field(default=30, gt=0)
    network_s: float = Field(default=60, gt=0)
    cpu_s: int = Field(default=60, ge=1)
    memory_bytes: int = Field(default=2048 * _MEBIBYTE, ge=64 * _MEBIBYTE)
    output_bytes: int = Field(default=64 * _MEBIBYTE, ge=1024)
    readers: int = Field(default=32, ge=1)

    files: int = Field(default=10_000, ge=1)
    commits: int = Field(default=500, ge=1)
    patch_bytes: int = Field(default=16 * _MEBIBYTE, ge=1024)
    blobs: int = Field(default=20_000, ge=1)
    blob_bytes: int = Field(default=8 * _MEBIBYTE, ge=1024)
    scanned_bytes: int = Field(default=128 * _MEBIBYTE, ge=1024)
    messages_bytes: int = Field(default=1 * _MEBIBYTE, ge=1024)
    ci_files: int = Field(default=100, ge=1)
    secrets: int = Field(default=200, ge=1)
    head_tries: int = Field(default=3, ge=1)
    head_pause_s: float = Field(default=0.5, ge=0)
