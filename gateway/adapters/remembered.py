"""What a home remembers of its log outside the database: checkpoints that were handed out, and the newest one seen.

Two files in each place: `exported.jsonl` only grows, a line for every checkpoint that left the gateway (evidence, a
backup, an auditor's look) and for every restore that was accepted; `newest` is replaced again and again by the
running gateway. A database that was restored from an old backup is behind them.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from audit.note import NoteError, parse_checkpoint
from gateway.core.errors import SettingsError

EXPORTED, NEWEST = "exported.jsonl", "newest"


class Remembered:
    """The same checkpoints in several places: the home, and folders that outlive it."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = tuple(_Place(folder) for folder in places)

    def notes(self) -> tuple[str, ...]:
        """The checkpoints the log must go on from, as signed notes; raises `SettingsError` or `OSError`."""
        found = [note for place in self._places for note in place.notes()]
        return tuple(dict.fromkeys(found))

    def hand_out(self, note: str) -> None:
        """Remember a checkpoint before it is handed out; raises `OSError` when one place cannot keep it."""
        for place in self._places:
            place.add("checkpoint", note)

    def keep_up(self, note: str) -> None:
        """Remember how far the log has come."""
        for place in self._places:
            place.replace(note)

    def accept(self, note: str) -> None:
        """From now on the log goes on from this checkpoint, whatever was handed out before."""
        for place in self._places:
            place.add("accepted", note)
            place.replace(note, always=True)


class _Place:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / EXPORTED

    def notes(self) -> Iterator[str]:
        if not self._folder.is_dir():
            raise SettingsError(f"{self._folder}, where checkpoints are remembered, is not there.")
        last = self._last()
        if last is not None:
            yield last
        newest = self._newest()
        if newest:
            yield newest

    def add(self, kind: str, note: str) -> None:
        with self._locked():
            if kind == "checkpoint" and self._last() == note:
                return
            _append(self._file, json.dumps({kind: note}) + "\n")

    def replace(self, note: str, *, always: bool = False) -> None:
        with self._locked():
            newest = self._newest()
            if newest and not always and _size(newest) >= _size(note):
                return
            _replace(self._folder / NEWEST, note)

    def _newest(self) -> str:
        path = self._folder / NEWEST
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _last(self) -> str | None:
        """The checkpoint on the last whole line. A line without its end was never handed out."""
        if not self._file.exists():
            return None
        whole, _, _ = self._file.read_text(encoding="utf-8", errors="replace").rpartition("\n")
        return _note_on(whole.rpartition("\n")[2], self._file) if whole else None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Other processes may remember in the same place."""
        with (self._folder / (EXPORTED + ".lock")).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _note_on(line: str, file: Path) -> str:
    try:
        (note,) = json.loads(line).values()
        _size(note)
    except (ValueError, AttributeError, TypeError, NoteError) as error:
        detail = f"The last line of {file} is not one that Loopgate wrote; put the file back from a copy."
        raise SettingsError(detail) from error
    return str(note)


def _size(note: str) -> int:
    """How many leaves a checkpoint is about; its signature is checked where the log is."""
    return parse_checkpoint(note.partition("\n\n")[0] + "\n").size


def _append(path: Path, line: str) -> None:
    """Add a line and be sure that it stays; what a crash left of the line before is ended first."""
    before = path.read_bytes()[-1:] if path.exists() else b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if before not in {b"\n", b""}:
            _cut_torn_line(path)
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cut_torn_line(path: Path) -> None:
    whole, newline, _ = path.read_bytes().rpartition(b"\n")
    os.truncate(path, len(whole + newline))


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
