"""What an agent wrote is shown and never obeyed: not by a terminal, not by rich, not by a browser."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.terminal import print_error, print_fields, print_json, print_table
from tests.gateway.cli.conftest import NASTY, held_merge
from tests.gateway.cli.shell import Shell
from tests.town import OWNER, proposal

pytestmark = pytest.mark.slow


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(text: str) -> None:
    steering = [c for c in text if (ord(c) < 32 and c not in "\n\t\r") or c in "\u202e\x9b\x7f"]
    assert steering == []
    flat = "".join(text.split())
    assert "[bold]loud[/bold]" in flat
    assert "⟨U+202E⟩" in flat


def test_act_and_actions_show_what_an_agent_wrote_without_obeying_it(
    shell: Shell, held: dict[str, Any]
) -> None:
    assert_harmless(shell.agent("actions", "show", held["action_id"]).out)


def test_a_ticket_shows_what_an_agent_wrote_without_obeying_it(shell: Shell, held: dict[str, Any]) -> None:
    assert_harmless(shell.person(OWNER, "tickets", "show", held["ticket"]["id"]).out)


def test_control_characters_do_not_even_get_in(shell: Shell) -> None:
    said = shell.act(proposal("issue.comment", {"body": "\x1b[31mred"}, jira=True, issue="SHOP-1"))

    assert (said.code, said.document["code"]) == (1, "malformed")
    assert "U+001B" in said.document["detail"]
    assert "\x1b" not in said.out + said.err


def test_a_reason_that_steers_terminals_is_shown_in_the_open(shell: Shell, tmp_path: Path) -> None:
    ticket = held_merge(shell, "agent/reasoned")["ticket"]["id"]
    reason = "\x1b]0;title\x07 [bold]no[/bold]\u202e <script>x</script>"
    page = tmp_path / "ticket.html"

    rejected = shell.person(OWNER, "tickets", "reject", ticket, "--reason", reason)
    shown = shell.person(OWNER, "tickets", "show", ticket)
    shell.person(OWNER, "tickets", "show", ticket, "--web", str(page))

    assert rejected.code == 0
    for text in (shown.out, page.read_text(encoding="utf-8")):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "⟨U+001B⟩" in text
    assert "<script>" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "nasty", ["\x1b[2J", "\x9b31m", "\x7f", "\u202e", "\u2066", "[red]x[/red]", ":smile:"]
)
def test_every_way_of_printing_shows_it_in_the_open(nasty: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"name": nasty})
    print_table("Table", ("a", "b"), [(nasty, nasty)])
    print_error(nasty, hint=nasty)
    print_json({"name": nasty})
    shown = "".join(capsys.readouterr())

    assert [
        c for c in shown if (ord(c) < 32 and c != "\n") or "\x7f" <= c <= "\x9f" or c in "\u202e\u2066"
    ] == []
    assert ("U+" in shown) == (nasty[0] not in "[:")
    assert nasty[0] not in "[:" or nasty in shown


def test_a_text_cannot_forge_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("refused\nhint: run this", hint="read it\nerror: no")

    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == ["error", "hint"]


def test_json_holds_the_very_text_and_is_plain_ascii(shell: Shell, held: dict[str, Any]) -> None:
    said = shell.agent("actions", "show", held["action_id"], "--json")

    assert said.out.isascii()
    assert "\x1b" not in said.out
    assert "\x7f" not in said.out
    assert said.document["intent"] == NASTY


def test_the_page_of_a_ticket_holds_no_script_no_form_and_no_link(
    shell: Shell, held: dict[str, Any], tmp_path: Path
) -> None:
    page = tmp_path / "ticket.html"

    said = shell.person(OWNER, "tickets", "show", held["ticket"]["id"], "--web", str(page))

    assert said.code == 0
    tags = Tags()
    tags.feed(page.read_text(encoding="utf-8"))
    assert not tags.names & {"script", "form", "input", "button", "a", "img", "iframe", "link", "object", "b"}
    assert not {a for a in tags.attributes if a.startswith("on") or a in {"href", "src", "style"}}
    assert "<script>alert(1)</script>" in tags.text
    assert_harmless(tags.text)
