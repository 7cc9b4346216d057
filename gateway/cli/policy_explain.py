"""`loopgate policy explain`: one decision as people read it, with every rule that looked and why."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.policy_history import BundleFile, BundleKey, HomeFolder, Source
from gateway.cli.policy_output import AsFormat, AsJson, OutFile, chosen, put
from gateway.cli.session import DEFAULT_URL, ConfigFolder, Url, default_config
from gateway.cli.terminal import Exit, console, errors, plain, print_fields, print_table
from gateway.workbench.formats import Format, rendered
from gateway.workbench.formats import as_json as json_text

if TYPE_CHECKING:
    from gateway.core.recorded import RecordedRuling
    from gateway.workbench.explain import Difference, Explanation
    from gateway.workbench.replay import Unreplayable

_ACTION = re.compile(r"act_[0-9A-Za-z]{1,64}")
_ENDS = {"deny": Exit.DENIED, "require_approval": Exit.HELD}

What = Annotated[str, typer.Argument(help="A file of JSON or YAML, or the id of a recorded action.")]
PolicyFolder = Annotated[Path, typer.Option("--policy", help="The policy folder to judge by.")]
Quiet = Annotated[
    bool, typer.Option("--quiet-rules/--no-quiet-rules", help="Also say why each other rule was quiet.")
]


def explain(
    what: What,
    policy: PolicyFolder = Path("policies"),
    bundle: BundleFile = None,
    key: BundleKey = None,
    home: HomeFolder = None,
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    quiet_rules: Quiet = True,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
    out: OutFile = None,
) -> int:
    """Say what a policy folder decides on an action, by which rules, and what each other rule looked at.

    Exit code 0 allowed, 3 denied, 4 held or denied for now.
    """
    from gateway.core.errors import SettingsError

    form = chosen(form, as_json=as_json)
    if not _ACTION.fullmatch(what):
        explanation, assumed = asyncio.run(_of_file(Path(what), policy))
        return _show(explanation, None, assumed, quiet_rules=quiet_rules, form=form, out=out)
    before = _recorded(what, Source(bundle, key, home, url, config))
    answer = asyncio.run(_again(before, policy))
    if not isinstance(answer, tuple):
        why = f"{answer.obstacle.value}: {answer.detail}" if answer.detail else answer.obstacle.value
        raise SettingsError(f"{what} was decided {before.effect.value}, but cannot be judged again: {why}.")
    return _show(*answer, "", quiet_rules=quiet_rules, form=form, out=out)


async def _of_file(file: Path, policy: Path) -> "tuple[Explanation, str]":
    from gateway.workbench.explain import explained
    from gateway.workbench.explain_inputs import input_in
    from gateway.workbench.replay import judging

    given = input_in(file, policy)
    with errors.status("Judging …"):
        async with judging(policy) as judge:
            return await explained(policy, judge, given.document, file.name), given.assumed


async def _again(before: "RecordedRuling", policy: Path) -> "tuple[Explanation, Difference] | Unreplayable":
    from gateway.workbench.explain import explained_again
    from gateway.workbench.replay import judging

    with errors.status("Judging it again …"):
        async with judging(policy) as judge:
            return await explained_again(policy, judge, before)


def _recorded(action_id: str, source: Source) -> "RecordedRuling":
    """The newest recorded ruling of an action. Raises `SettingsError` when there is none."""
    from gateway.core.errors import SettingsError
    from gateway.core.recorded import RulingFilter

    found = list(source.rulings(RulingFilter(action_id=action_id)))
    if not found:
        raise SettingsError(f"{source.name} has no ruling on {action_id} that you may see.")
    return found[-1]


def _show(
    explanation: "Explanation",
    difference: "Difference | None",
    assumed: str,
    *,
    quiet_rules: bool,
    form: Format,
    out: Path | None,
) -> int:
    from gateway.workbench.explain import difference_sentence, explain_report, verdict_sentence

    told = verdict_sentence(explanation) + (f" {difference_sentence(difference)}" if difference else "")
    if form is Format.TABLE:
        _print(explanation, told, assumed, quiet_rules=quiet_rules)
    elif form is Format.JSON:
        beside = {
            "difference": difference.model_dump(mode="json") if difference else None,
            "assumed": assumed,
        }
        put(json_text({**explanation.model_dump(mode="json"), "summary": told, **beside}), out)
    else:
        put(rendered(explain_report(explanation, summary=told), form, root=""), out)
    return Exit.HELD if explanation.waits else _ENDS.get(explanation.effect.value, Exit.DONE)


def _print(explanation: "Explanation", told: str, assumed: str, *, quiet_rules: bool) -> None:
    from gateway.workbench.explain import why_quiet
    from gateway.workbench.replay_report import asked_of

    console.print(plain(told), style="bold")
    fields: dict[str, Any] = {
        "policy": explanation.policy_digest[:12],
        "grants": ", ".join(explanation.grants),
        "asks": asked_of(explanation.clauses),
        "reserves": "; ".join(
            f"{r.amount} of {r.limit} {r.budget} per {r.window}" for r in explanation.reserve
        ),
        "missing facts": ", ".join(explanation.missing),
        "the gateway itself": "; ".join(explanation.gateway),
        "assumed": f"every fact the file does not name is that of bases/{assumed}.yaml" if assumed else "",
    }
    print_fields(fields)
    spoke = [look for look in explanation.looks if look.outcome != "quiet"]
    rows = ((look.code, look.outcome, look.message, look.helps) for look in spoke)
    print_table("Rules that spoke", ("code", "what", "why", "what helps"), rows)
    if quiet_rules:
        quiet = [look for look in explanation.looks if look.outcome == "quiet"]
        print_table(
            "Rules that were quiet",
            ("code", "title", "by which condition"),
            ((look.code, look.title, "\n".join(why_quiet(look))) for look in quiet),
        )
