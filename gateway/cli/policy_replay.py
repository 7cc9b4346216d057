"""`loopgate policy replay`: recorded decisions judged again by a policy folder."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.policy_history import BundleFile, BundleKey, HomeFolder, Since, Source, Until, period
from gateway.cli.policy_output import AsFormat, AsJson, OutFile, chosen, put
from gateway.cli.session import DEFAULT_URL, ConfigFolder, Url, default_config
from gateway.cli.terminal import Exit, console, errors, plain, print_error, print_table
from gateway.workbench.formats import Format, rendered
from gateway.workbench.formats import as_json as json_text
from gateway.workbench.replay_changes import FailOn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.recorded import RecordedRuling
    from gateway.workbench.replay import Replay
    from gateway.workbench.replay_report import Summary

PolicyFolder = Annotated[Path, typer.Option("--policy", help="The policy folder to judge by.")]
Reasons = Annotated[
    list[FailOn] | None,
    typer.Option("--fail-on", help="What ends with exit code 1; may be given more than once."),
]
AtLeast = Annotated[
    int,
    typer.Option("--at-least", min=0, help="End with exit code 1 when fewer decisions can be judged again."),
]


def replay(
    since: Since = "30d",
    until: Until = None,
    policy: PolicyFolder = Path("policies"),
    bundle: BundleFile = None,
    key: BundleKey = None,
    home: HomeFolder = None,
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    fail_on: Reasons = None,
    at_least: AtLeast = 0,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
    out: OutFile = None,
) -> int:
    """Judge recorded decisions again, each on the input it was made on, and say which would go otherwise."""
    from gateway.workbench.replay_report import fails, summary_of

    source = Source(bundle, key, home, url, config)
    done = asyncio.run(_replayed(policy, list(source.rulings(period(since, until)))))
    reasons, summary = set(fail_on or [FailOn.LOOSENING]), summary_of(done, source.name)
    _show(done, summary, reasons, chosen(form, as_json=as_json), out)
    judged = summary.seen - summary.unreplayable
    if judged < at_least:
        print_error(f"{judged} decisions could be judged again, fewer than --at-least {at_least}.")
        return Exit.ERROR
    return Exit.ERROR if fails(summary, reasons) else Exit.DONE


async def _replayed(policy: Path, history: "Iterable[RecordedRuling]") -> "Replay":
    from gateway.workbench.replay import judging, replay

    with errors.status("Building the policy …") as told:
        async with judging(policy) as judge:
            return await replay(
                history, judge, lambda count: told.update(f"Judged {count} decisions again …")
            )


def _show(done: "Replay", summary: "Summary", reasons: set[FailOn], form: Format, out: Path | None) -> None:
    from gateway.workbench.replay_report import replay_markdown, replay_report

    if form is Format.TABLE:
        _print(summary)
    elif form is Format.MARKDOWN:
        put(replay_markdown(summary), out)
    elif form is Format.JSON:
        flips = [flip.model_dump(mode="json") for flip in done.flips]
        lost = [one.model_dump(mode="json") for one in done.unreplayable]
        put(json_text({**summary.model_dump(mode="json"), "flips": flips, "not_judged": lost}), out)
    else:
        put(rendered(replay_report(done, summary, reasons), form), out)


def _print(summary: "Summary") -> None:
    from gateway.workbench.replay_report import COLUMNS, group_row, sentence

    if summary.groups:
        rows = ((group.turn.value, *group_row(group)) for group in summary.groups)
        print_table("Decisions that would go otherwise", ("turn", *COLUMNS), rows)
    if summary.obstacles:
        print_table("Not judged again", ("why", "decisions"), summary.obstacles.items())
    console.print(plain(sentence(summary)), style="red" if summary.looser else "green")
