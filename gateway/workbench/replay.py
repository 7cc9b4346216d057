"""`loopgate policy replay`: judging recorded decisions again, each on the very input it was made on."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from audit.canonical import CanonicalError
from gateway.adapters.opa.answers import BadAnswerError, read_decision, unavailable
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import EngineFailureError
from gateway.adapters.opa.wasm import WasmEvaluator
from gateway.core.break_glass import narrowed
from gateway.core.digests import input_bytes
from gateway.core.joining import join
from gateway.core.model import Model
from gateway.core.policy_input import PolicyInput
from gateway.core.recorded import RecordedRuling, recorded
from gateway.core.rulings import Decision, PolicyVersion
from gateway.workbench.build import build
from gateway.workbench.replay_changes import Flip, flip_of, found_effects

_POOL = 2
_AT_ONCE = 64
_SECONDS = 0.5
Progress = Callable[[int], None]


class Obstacle(StrEnum):
    """Why a recorded decision cannot be judged again."""

    ERASED = "the input was erased or withheld"
    OTHER_INPUT = "the input kept is not the one that was judged"
    NO_FORM = "the input has no canonical form; it was denied for that"
    OTHER_FORM = "the form of the policy input has changed since"
    FACTS_LACK = "the policy wants facts that were not recorded"
    SILENT = "the policy engine did not answer then"


class Unreplayable(Model):
    """A recorded decision that cannot be judged again, and why."""

    ruling_id: str
    action_id: str
    obstacle: Obstacle
    detail: str = ""


class Replay(Model):
    """What became of the recorded decisions under one policy.

    `seen` counts all of them; `same` those decided alike, `reworded` those of them that other rules denied than before.
    """

    policy_digest: str
    revision: str
    seen: int
    same: int
    reworded: int
    flips: tuple[Flip, ...]
    unreplayable: tuple[Unreplayable, ...]


class Judge:
    """A built policy that judges recorded inputs, in this process, as the gateway would."""

    def __init__(self, built: BuiltPolicy) -> None:
        self.built = built
        self._version = PolicyVersion(
            digest=built.digest, revision=built.revision, engine="opa-wasm", engine_version="replay"
        )
        self._evaluator = WasmEvaluator(
            built.wasm_path.read_bytes(), built.data, pool=_POOL, timeout_seconds=_SECONDS
        )

    async def judge(self, before: RecordedRuling, document: dict[str, Any]) -> RecordedRuling:
        """The ruling this policy gives on the input of `before`, narrowed as that one was."""
        ruling = join(
            await self.decide(document),
            self.built.cards,
            action_id=before.action_id,
            ruling_id=before.id,
            policy=self._version,
            input_digest=before.input_digest,
            judged_ms=before.judged_ms,
        )
        if before.break_glass:
            ruling = narrowed(ruling, before.break_glass)
        return recorded(
            ruling,
            agent=before.agent,
            action_type=before.action_type,
            place=before.place,
            document=document,
        )

    async def decide(self, document: dict[str, Any]) -> Decision:
        """The decision on a policy input; no usable answer is a denial, as on the road."""
        try:
            return read_decision(await self._evaluator.evaluate(input_bytes(document)))
        except EngineFailureError as error:
            return unavailable(error.reason)
        except BadAnswerError:
            return unavailable("bad answer")

    async def close(self) -> None:
        """Give back threads and memory."""
        await self._evaluator.close()


@asynccontextmanager
async def judging(folder: Path) -> AsyncIterator[Judge]:
    """A judge by the policy of a folder. Raises `SettingsError` when it does not build."""
    with TemporaryDirectory(prefix="loopgate-replay-") as scratch:
        built = await asyncio.to_thread(build, folder, Path(scratch))
        judge = Judge(built)
        try:
            yield judge
        finally:
            await judge.close()


async def replay(
    history: Iterable[RecordedRuling], judge: Judge, progress: Progress = lambda _: None
) -> Replay:
    """Judge every recorded decision again; `progress` is told how many are done."""
    tally = _Tally()
    rest = iter(history)
    while batch := tuple(islice(rest, _AT_ONCE)):
        for before, answer in zip(
            batch, await asyncio.gather(*(_judged(one, judge) for one in batch)), strict=True
        ):
            tally.count(before, answer)
        progress(tally.seen)
    return tally.result(judge.built)


class _Tally:
    """The replay while it is going on."""

    def __init__(self) -> None:
        self.seen = self._same = self._reworded = 0
        self._flips: list[Flip] = []
        self._unreplayable: list[Unreplayable] = []

    def count(self, before: RecordedRuling, answer: RecordedRuling | Unreplayable) -> None:
        self.seen += 1
        if isinstance(answer, Unreplayable):
            self._unreplayable.append(answer)
            return
        flip = flip_of(before, answer)
        if flip:
            self._flips.append(flip)
            return
        self._same += 1
        self._reworded += found_effects(before) != found_effects(answer)

    def result(self, built: BuiltPolicy) -> Replay:
        return Replay(
            policy_digest=built.digest,
            revision=built.revision,
            seen=self.seen,
            same=self._same,
            reworded=self._reworded,
            flips=tuple(self._flips),
            unreplayable=tuple(self._unreplayable),
        )


async def _judged(before: RecordedRuling, judge: Judge) -> RecordedRuling | Unreplayable:
    obstacle = obstacle_to(before)
    if obstacle:
        return obstacle
    after = await judge.judge(before, before.document or {})
    wanted = _wanted(before, after)
    return _unreplayable(before, Obstacle.FACTS_LACK, wanted) if wanted else after


def obstacle_to(before: RecordedRuling) -> Unreplayable | None:
    """Why a recorded decision cannot be judged again by any policy of today; None when it can."""
    if any(f.code == "POLICY_UNAVAILABLE" for f in before.findings):
        return _unreplayable(before, Obstacle.SILENT)
    if before.document is None:
        return _unreplayable(before, Obstacle.ERASED)
    try:
        digest = hashlib.sha256(input_bytes(before.document)).hexdigest()
    except CanonicalError as error:
        return _unreplayable(before, Obstacle.NO_FORM, str(error))
    if digest != before.input_digest:
        return _unreplayable(before, Obstacle.OTHER_INPUT)
    return _misshapen(before, before.document)


def _misshapen(before: RecordedRuling, document: dict[str, Any]) -> Unreplayable | None:
    """A record of an earlier version that lacks facts of today, or holds some that are no more."""
    try:
        PolicyInput.model_validate(document)
    except ValidationError as error:
        said = sorted({f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()})
        return _unreplayable(before, Obstacle.OTHER_FORM, "; ".join(said[:3]))
    return None


def _wanted(before: RecordedRuling, after: RecordedRuling) -> str:
    """The facts this policy misses in a record that its own policy found complete."""
    then, now = (_missing(ruling) for ruling in (before, after))
    return ", ".join(sorted(now - then))


def _missing(ruling: RecordedRuling) -> set[str]:
    return {str(path) for f in ruling.findings if f.code == "GATE-002" for path in f.facts.get("missing", ())}


def _unreplayable(before: RecordedRuling, obstacle: Obstacle, detail: str = "") -> Unreplayable:
    return Unreplayable(ruling_id=before.id, action_id=before.action_id, obstacle=obstacle, detail=detail)
