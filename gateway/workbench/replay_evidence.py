"""Recorded decisions in an evidence bundle: its `action.judged` events with the inputs disclosed beside them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from audit.archive import decode_archive
from audit.disclosures import read
from audit.entries import read_entries
from audit.events import TYPE_PREFIX, EventType
from audit.note import NoteError, Vkey, parse_vkey
from audit.problems import RefusedError
from audit.verify import verify_bundle
from gateway.core.actions import Target
from gateway.core.aims import place_of
from gateway.core.errors import SettingsError
from gateway.core.recorded import RecordedFinding, RecordedRuling, RulingFilter
from gateway.core.rulings import Effect

_JUDGED = TYPE_PREFIX + EventType.ACTION_JUDGED


def rulings_in_bundle(
    bundle: Path, wanted: RulingFilter, keys: Sequence[Vkey] = ()
) -> Iterator[RecordedRuling]:
    """The rulings of a bundle that match, in log order; verified first when keys of the log are given.

    Raises `SettingsError` when the file is no bundle, or does not verify.
    """
    content = bundle.read_bytes()
    try:
        if keys:
            _verify(bundle, content, keys)
        members = decode_archive(content)
        entries = read_entries("events.dsse.jsonl", members["events.dsse.jsonl"])
        beside = _disclosed(members["disclosures.jsonl"])
    except (RefusedError, ValueError, LookupError, TypeError) as error:
        raise SettingsError(f"{bundle} is no evidence bundle: {error}") from error
    for entry in entries:
        leaf = entry.leaf
        if leaf.get("type") == _JUDGED:
            ruling = _ruling_of(leaf, beside.get(entry.place, {}), bundle)
            if _matches(ruling, wanted):
                yield ruling


def vkeys(texts: Sequence[str]) -> tuple[Vkey, ...]:
    """Verifier keys as people hand them in: the key itself, or a file that holds it. Raises `SettingsError`."""
    try:
        return tuple(
            parse_vkey(text if "+" in text else Path(text).read_text("utf-8").strip()) for text in texts
        )
    except NoteError as error:
        raise SettingsError(f"--key is no verifier key: {error}") from error


def _verify(bundle: Path, content: bytes, keys: Sequence[Vkey]) -> None:
    verdict = verify_bundle(content, keys)
    if not verdict.ok:
        raise SettingsError(f"{bundle} does not verify: {verdict.first_problem}; judge nothing by it.")


def _disclosed(member: bytes) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for line in member.splitlines():
        row = json.loads(line)
        _, name, value = read(row["disclosure"])
        found.setdefault(row["index"], {})[name] = value
    return found


def _matches(ruling: RecordedRuling, wanted: RulingFilter) -> bool:
    return (
        ruling.judged_ms >= wanted.since_ms
        and (wanted.until_ms is None or ruling.judged_ms < wanted.until_ms)
        and wanted.action_id in {None, ruling.action_id}
    )


def _ruling_of(leaf: Mapping[str, Any], beside: Mapping[str, Any], bundle: Path) -> RecordedRuling:
    try:
        return _read(leaf, {**leaf["data"], **beside})
    except (KeyError, TypeError, ValidationError) as error:
        raise SettingsError(
            f"{bundle}: event {leaf.get('id')} is no judgement this version can read."
        ) from error


def _read(leaf: Mapping[str, Any], data: Mapping[str, Any]) -> RecordedRuling:
    """A ruling from its event. What the policy reserved is not in the log; the time is the event's own."""
    told = {one["code"]: one for one in data.get("finding_facts", ())}
    glass = data.get("break_glass")
    return RecordedRuling(
        id=data["ruling"],
        action_id=leaf["subject"],
        agent=data["actor"]["agent"],
        action_type=data["type"],
        place=place_of(Target.model_validate(data["target"])),
        judged_ms=int(datetime.fromisoformat(leaf["time"]).timestamp() * 1000),
        effect=Effect(data["effect"]),
        findings=tuple(_finding(one, told.get(one["code"], {})) for one in data["findings"]),
        warnings=_codes(data["warnings"], Effect.WARN),
        shadow=_codes(data["shadow"], None),
        waived=tuple(data["waived"]),
        grants=tuple(data["grants"]),
        clauses=tuple(data["obligations"]),
        break_glass=glass["id"] if glass else None,
        policy_digest=data["policy"]["digest"],
        input_digest=data["input_digest"],
        document=data.get("input"),
    )


def _finding(recorded: Mapping[str, Any], told: Mapping[str, Any]) -> RecordedFinding:
    facts = told.get("facts", recorded.get("facts", {}))
    return RecordedFinding(
        code=recorded["code"],
        effect=recorded["effect"],
        retry=recorded["retry"],
        facts=facts,
        message=told.get("message", ""),
    )


def _codes(codes: Sequence[str], effect: Effect | None) -> tuple[RecordedFinding, ...]:
    return tuple(RecordedFinding(code=code, effect=effect) for code in codes)
