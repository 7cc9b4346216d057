"""The real command line in processes of its own: for agents without a terminal, for people at a pseudo-terminal."""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.demonstration.terminal_user import type_command
from tests.gateway.doors.rest.conftest import Served
from tests.town import OPERATOR

PASSPHRASE = "correct horse battery"


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code, standard output, and what else was shown."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that standard output must be."""
        return json.loads(self.out)


def loopgate(*arguments: str, stdin: str = "", **environment: str) -> Said:
    """Run `loopgate …` where there is no terminal at all."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LOOPGATE_")}
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", *arguments],
        input=stdin.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
        start_new_session=True,
        env={**inherited, **environment},
        timeout=60,
    )
    return checked(done.returncode, done.stdout.decode(), done.stderr.decode())


def checked(code: int, out: str, err: str) -> Said:
    """No command may ever show a traceback."""
    assert "Traceback" not in out + err, out + err
    return Said(code, out, err)


class Shell:
    """Somebody's shells, all pointed at one served gateway."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.folder = served, folder

    def agent(self, *arguments: str, stdin: str = "", token: str | None = None) -> Said:
        """As agt_fixer, whose token is in the environment."""
        secret = self.served.tokens["agent"] if token is None else token
        return loopgate(*arguments, stdin=stdin, LOOPGATE_URL=self.served.url, LOOPGATE_TOKEN=secret)

    def act(self, proposal: dict[str, Any], *options: str) -> Said:
        """Propose as agt_fixer, the proposal on standard input."""
        return self.agent("act", "-", "--json", *options, stdin=json.dumps(proposal))

    def person(self, person: str, *arguments: str, passphrase: str = PASSPHRASE) -> Said:
        """At a terminal, as that person, who logs in the first time."""
        if not self.config(person).exists():
            self.log_in(person)
        return self.at_terminal(self.config(person), *arguments, passphrase=passphrase)

    def log_in(self, person: str) -> None:
        """Invite the person and run `loopgate login` at a terminal."""
        if person == OPERATOR:
            code = json.loads((self.served.town.home / "code.json").read_text())["code"]
        else:
            code = self.person(OPERATOR, "people", "invite", person, "--json").document["code"]
        said = self.at_terminal(self.config(person), "login", code, "--url", self.served.url)
        assert said.code == 0, said

    def at_terminal(self, config: Path, *arguments: str, passphrase: str = PASSPHRASE) -> Said:
        """At a terminal; standard output apart, as with `> file`."""
        environment = {"LOOPGATE_CONFIG": str(config), "LOOPGATE_URL": self.served.url, "LOOPGATE_TOKEN": ""}
        with tempfile.TemporaryFile() as output:
            code, shown = type_command(arguments, passphrase, environment, output)
            output.seek(0)
            # The terminal folds lines and colours them; what was said is in the words.
            words = re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown))
            return checked(code, output.read().decode(), words)

    def config(self, person: str) -> Path:
        """Where that person's vote key is."""
        return self.folder / person
