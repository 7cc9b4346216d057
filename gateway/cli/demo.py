"""`loopgate demo`: the whole story on this machine, with no account anywhere."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx2
import typer

from gateway.cli.terminal import Exit, print_error
from gateway.client.api import ApiError, UnreachableError
from gateway.core.errors import LoopgateError

if TYPE_CHECKING:
    from gateway.cli.demonstration.narrator import Narrator
    from gateway.cli.demonstration.stage import Stage


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running and say what to try.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to play it; a fresh folder by default.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Also write what was shown as an SVG picture.")] = None,
    policies: Annotated[
        Path | None,
        typer.Option("--policies", help="Judge by this policy checkout; the shipped library by default."),
    ] = None,
) -> int:
    """Watch a real Trivy report become a work item, a change, an approved merge, and evidence that verifies."""
    from gateway.cli.demonstration.narrator import Narrator
    from gateway.cli.demonstration.stage import Stage
    from gateway.cli.pictures import picture_of

    began = time.monotonic()
    tell = Narrator(record=svg is not None)
    stage_folder = _fresh(folder)
    with Stage(stage_folder, policies) as stage:
        differs = _played(stage, tell)
        if differs:
            print_error(f"Step {tell.steps}: {differs}", hint=f"logs are in {stage_folder}")
            return Exit.ERROR
        tell.good(f"The whole story took {time.monotonic() - began:.0f} seconds.")
        if svg:
            svg.write_text(picture_of(tell.console, "loopgate demo", "loopgate-demo"), encoding="utf-8")
        if keep:
            _leave_running(stage, tell)
    if folder is None and not keep:
        shutil.rmtree(stage_folder)
    return Exit.DONE


def _played(stage: "Stage", tell: "Narrator") -> str:
    """Play the whole story; what went otherwise than it must, or an empty string."""
    try:
        asyncio.run(_play(stage, tell))
    except LoopgateError as error:
        return error.detail
    except (ApiError, UnreachableError) as error:
        return str(error)
    except httpx2.HTTPError as error:
        return f"the sandbox did not answer as it must: {error}"
    except subprocess.CalledProcessError as error:
        return f"{error.cmd[0]} ended with status {error.returncode}"
    return ""


async def _play(stage: "Stage", tell: "Narrator") -> None:
    from gateway.cli.demonstration.endings import evidence, three_refusals
    from gateway.cli.demonstration.story import Story

    story = Story(stage, tell)
    tell.chapter("Setting the stage")
    tell.step(
        "A sandbox GitLab and Jira (stand-ins with the vendors' wire formats) and a gateway start on this machine."
    )
    await asyncio.to_thread(stage.start_sandbox)
    code = await asyncio.to_thread(stage.start_gateway)
    await story.people_and_agents(code)
    async with story.fixer:
        tell.chapter("From a report to a merge")
        await story.report_becomes_work_item()
        await story.agent_fixes()
        await story.people_approve(await story.merge_is_held())
        await story.work_item_closes()
        tell.chapter("A rollback")
        await story.bad_deployment_rolls_back()
        tell.chapter("Three things an agent may not do")
        await three_refusals(story)
    tell.chapter("Evidence")
    await evidence(story)


def _fresh(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="loopgate-demo-"))
    folder.mkdir(parents=True, exist_ok=False)
    return folder.resolve()


def _leave_running(stage: "Stage", tell: "Narrator") -> None:
    config = stage.keys_of("prn_operator")
    tell.panel(
        "Still running; Ctrl-C ends it",
        [
            f"gateway  {stage.url}        (OpenAPI: {stage.url}/v1/openapi.json)",
            f"GitLab   {stage.gitlab}    Jira {stage.jira}",
            "",
            "Every person's passphrase is: demo passphrase",
            f"LOOPGATE_CONFIG={config} loopgate actions list",
            f"LOOPGATE_CONFIG={stage.keys_of('prn_auditor')} loopgate audit events --url {stage.url}",
            f"LOOPGATE_CONFIG={config} loopgate stop everything --reason 'trying the brake'",
        ],
    )
    try:
        stage.wait()
    except KeyboardInterrupt:
        return
