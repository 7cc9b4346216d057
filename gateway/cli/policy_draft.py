"""`loopgate policy draft`: a sentence becomes a rule in a scratch folder; off until an endpoint and a key are named."""

import asyncio
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.terminal import Exit, console, errors, plain, print_fields, print_table
from gateway.core.errors import SettingsError

if TYPE_CHECKING:
    from gateway.workbench.drafting import Draft
    from gateway.workbench.drafting_client import Endpoint

KEY = "LOOPGATE_DRAFT_KEY"
_WORDS = 4


def draft(
    sentence: Annotated[str, typer.Argument(help="What the rule should refuse, or ask people about.")],
    folder: Annotated[Path, typer.Argument(help="The policy folder; it is only read.")] = Path("policies"),
    rule: Annotated[str | None, typer.Option("--rule", metavar="TEAM/RULE", help="The rule's name.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="An empty folder for the draft.")] = None,
    url: Annotated[str, typer.Option(envvar="LOOPGATE_DRAFT_URL", help="Base URL of the model.")] = "",
    model: Annotated[str, typer.Option(envvar="LOOPGATE_DRAFT_MODEL", help="Which model.")] = "",
    seconds: Annotated[float, typer.Option(help="How long one answer may take.", min=1, max=600)] = 120,
) -> int:
    """Have a model draft a rule with cases, and put it through check, test and mutate. Needs LOOPGATE_DRAFT_KEY."""
    from gateway.workbench.drafting import draft as drafted
    from gateway.workbench.drafting_client import ask

    endpoint = _endpoint(url, model, seconds)
    scratch = out or Path(tempfile.mkdtemp(prefix="loopgate-draft-"))
    with errors.status("Drafting …") as status:
        made = asyncio.run(
            drafted(
                sentence,
                rule or _name_for(sentence),
                folder,
                scratch,
                lambda said: ask(endpoint, said),
                status.update,
            )
        )
    _print(made)
    return Exit.DONE if made.sound else Exit.ERROR


def _endpoint(url: str, model: str, seconds: float) -> "Endpoint":
    from pydantic import SecretStr

    from gateway.workbench.drafting_client import Endpoint

    key = os.environ.get(KEY, "")
    if not (key and url and model):
        raise SettingsError(
            f"drafting is off: set {KEY} (never an option, so that it shows in no list of processes), "
            "LOOPGATE_DRAFT_URL and LOOPGATE_DRAFT_MODEL to a model you trust to read your sentence"
        )
    return Endpoint(url=url, model=model, key=SecretStr(key), seconds=seconds)


def _name_for(sentence: str) -> str:
    """`draft/…` with the sentence's first words."""
    words = re.findall(r"[a-z][a-z0-9]*", sentence.lower())[:_WORDS]
    return f"draft/{'_'.join(words)[:40].rstrip('_') or 'rule'}"


def _print(made: "Draft") -> None:
    if made.complaints:
        rows = ((f"{one.file}:{one.line}", one.problem, one.remedy) for one in made.complaints)
        print_table(f"{len(made.complaints)} complaints are left", ("where", "what", "write instead"), rows)
    for file in sorted(made.rule.iterdir()):
        console.rule(plain(file.name))
        console.print(plain(file.read_text("utf-8", "replace")))
    print_fields(
        {
            "code": made.code,
            "requests": str(made.requests),
            "planted mistakes noticed": "" if made.score is None else f"{made.score / 10:.1f} %",
            "the draft is in": str(made.rule),
            "its parameters are in": str(made.folder / "data" / "params.yaml"),
        }
    )
    if made.sound:
        console.print(
            plain(
                "Check, test and mutate are satisfied. Read it, and copy it over if it says what you meant."
            )
        )
