"""`loopgate policy shadow` and `loopgate policy exceptions`: what is not enforced, over time."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.adapters.clock import SystemClock
from gateway.cli.policy_history import BundleFile, BundleKey, HomeFolder, Since, Source, Until, period
from gateway.cli.policy_output import AsFormat, AsJson, OutFile, chosen, put
from gateway.cli.session import DEFAULT_URL, ConfigFolder, Url, default_config
from gateway.cli.terminal import Exit, console, errors, plain, print_table
from gateway.workbench.formats import Format, rendered
from gateway.workbench.formats import as_json as json_text

if TYPE_CHECKING:
    from gateway.core.recorded import RecordedRuling
    from gateway.workbench.data_models import Exemption
    from gateway.workbench.shadow import ShadowReport

Draft = Annotated[
    Path | None,
    typer.Option("--policy", help="Ask the shadow rules of this folder instead of those recorded."),
]
Folder = Annotated[Path, typer.Argument(help="The policy folder.")]
SinceIfAny = Annotated[
    str | None,
    typer.Option("--since", help="Count the uses from then on: 30d, 2026-11-01. Without it none are."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 1 when there is anything to look at.")]


def shadow(
    since: Since = "30d",
    until: Until = None,
    policy: Draft = None,
    bundle: BundleFile = None,
    key: BundleKey = None,
    home: HomeFolder = None,
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
    out: OutFile = None,
) -> None:
    """Say what the rules in shadow would have done, day by day, and to whom."""
    from gateway.workbench.shadow import shadow_markdown, shadow_outcomes, shadow_report

    source = Source(bundle, key, home, url, config)
    history = list(source.rulings(period(since, until)))
    report = shadow_report(asyncio.run(_asked(policy, history)) if policy else history, source.name)
    match chosen(form, as_json=as_json):
        case Format.TABLE:
            _print(report)
        case Format.JSON:
            put(json_text(report.model_dump(mode="json")), out)
        case Format.MARKDOWN:
            put(shadow_markdown(report), out)
        case other:
            put(rendered(shadow_outcomes(report), other), out)


async def _asked(policy: Path, history: "list[RecordedRuling]") -> "list[RecordedRuling]":
    from gateway.workbench.replay import judging
    from gateway.workbench.shadow import shadowed

    with errors.status("Building the policy …") as told:
        async with judging(policy) as judge:
            rulings = shadowed(history, judge, lambda count: told.update(f"Asked about {count} decisions …"))
            return [one async for one in rulings]


def _print(report: "ShadowReport") -> None:
    from gateway.workbench.shadow import COLUMNS, day_rows, sentence, shadow_row

    if report.rules:
        print_table("Rules in shadow", COLUMNS, (shadow_row(rule) for rule in report.rules))
        days = ("day", "code", "deny", "ask", "warn")
        print_table("Day by day", days, day_rows(report))
    console.print(plain(sentence(report)))


def exceptions(
    folder: Folder = Path("policies"),
    since: SinceIfAny = None,
    until: Until = None,
    bundle: BundleFile = None,
    key: BundleKey = None,
    home: HomeFolder = None,
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    strict: Strict = False,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
    out: OutFile = None,
) -> int:
    """List every exception with owner, ticket, end and uses, and what is to be looked at."""
    from gateway.workbench.exceptions import exception_lines, exception_warnings, exceptions_report, uses_of

    source, uses = Source(bundle, key, home, url, config), None
    if since is not None:
        uses = uses_of(source.rulings(period(since, until)))
    exemptions, waivable = _read(folder)
    counts = None if uses is None else {one: len(agents) for one, agents in uses.items()}
    warnings = exception_warnings(exemptions, SystemClock().now_ms(), uses=counts, waivable=waivable)
    lines = exception_lines(exemptions, warnings, uses)
    report, chosen_form = exceptions_report(lines, warnings), chosen(form, as_json=as_json)
    if chosen_form is Format.TABLE:
        from gateway.workbench.exceptions import COLUMNS, exception_row

        print_table("Exceptions", COLUMNS, (exception_row(line) for line in lines))
        for warned in warnings:
            console.print(plain(f"{warned.problem}: {warned.remedy}."), style="yellow")
        console.print(plain(report.summary))
    elif chosen_form is Format.JSON:
        said = [warned._asdict() for warned in warnings]
        put(json_text({"exceptions": [one.model_dump(mode="json") for one in lines], "warnings": said}), out)
    else:
        put(rendered(report, chosen_form, root=folder.as_posix()), out)
    return Exit.ERROR if strict and warnings else Exit.DONE


def _read(folder: Path) -> "tuple[tuple[Exemption, ...], set[str]]":
    """The exceptions of a folder, and the codes that may be excused. Raises `SettingsError`."""
    from gateway.adapters.opa.binary import opa_binary
    from gateway.core.errors import SettingsError
    from gateway.workbench.annotations import annotated, cards_of, inspected
    from gateway.workbench.build import CAPABILITIES
    from gateway.workbench.data_files import policy_data

    if not (folder / CAPABILITIES).is_file():
        raise SettingsError(f"{folder} is not a policy folder: it has no {CAPABILITIES}")
    exemptions = policy_data(folder).exceptions
    with errors.status("Reading the rules …"):
        cards = cards_of(annotated(inspected(opa_binary(), folder)))
    return exemptions, {card.code for card in cards.values() if card.waivable}
