"""The stage: a sandbox process, a gateway process, people with vote keys, agents with tokens, in one folder."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from gateway.cli.demonstration.narrator import StoryDiffersError
from gateway.cli.demonstration.terminal_user import type_command
from gateway.cli.shipped import shipped_policies
from gateway.client.api import Client
from gateway.client.vote_keys import VoteKeyFile, sign_challenge

PASSPHRASE = "demo passphrase"  # noqa: S105 - the demonstration's own, on throw-away keys
_START_S = 60.0
AGENT_PROJECTS = ["shop/*", "jira:SHOP"]


class Stage:
    """Everything the story needs, started and stopped together."""

    def __init__(self, folder: Path, policies: Path | None = None) -> None:
        self.folder = folder
        self._policies = policies
        self.home = folder / "gateway"
        self.url = ""
        self.gitlab = ""
        self.jira = ""
        self.tokens: dict[str, str] = {}
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what runs; the folder stays for whoever wants to look."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(timeout=20)
        self._processes.clear()

    def wait(self) -> None:
        """Wait until the gateway process ends."""
        self._processes[-1].wait()

    def start_sandbox(self) -> None:
        """A GitLab and a Jira on this machine, as a process of their own."""
        said = self._spawn("gateway.sandbox", "--folder", str(self.folder / "sandbox"), "--auto")
        announced = _first_line(said, self._processes[-1])
        self.gitlab, self.jira = announced["gitlab_url"], announced["jira_url"]
        self.tokens = announced["tokens"]

    def start_gateway(self) -> str:
        """`init`, then `serve` as a process of its own; the operator's one-time code."""
        policies = self.folder / "policies"
        shutil.copytree(self._policies or shipped_policies(), policies)
        self.folder.joinpath("secrets").mkdir(mode=0o700)
        made = self.command(
            "init",
            "--operator",
            "The operator",
            "--home",
            str(self.home),
            "--policies",
            str(policies),
            "--json",
        )
        self._write_settings()
        said = self._spawn("gateway.cli.main", "serve", "--home", str(self.home), "--json")
        self.url = _first_line(said, self._processes[-1])["url"]
        return str(json.loads(made)["code"])

    def command(self, *arguments: str) -> str:
        """Run the real command line without a terminal; its standard output."""
        code, shown = self.try_command(*arguments)
        if code:
            raise StoryDiffersError(f"`loopgate {' '.join(arguments)}` failed: {shown.strip()}")
        return shown

    def try_command(self, *arguments: str) -> tuple[int, str]:
        """Run the real command line without a terminal; exit code, and standard output or else the error."""
        done = subprocess.run(  # noqa: S603 - our own program, an argv list
            [sys.executable, "-m", "gateway.cli.main", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        return done.returncode, done.stdout or done.stderr

    def as_person(self, person: str, *arguments: str) -> tuple[int, str]:
        """Run the real command line at a terminal as that person."""
        return type_command(
            arguments, PASSPHRASE, {"LOOPGATE_CONFIG": str(self.keys_of(person)), "LOOPGATE_TOKEN": ""}
        )

    def log_in(self, person: str, code: str) -> None:
        """`loopgate login CODE` at a terminal: makes the person's vote key."""
        status, shown = self.as_person(person, "login", code, "--url", self.url)
        if status:
            raise StoryDiffersError(f"{person} could not log in: {shown.strip()}")

    def keys_of(self, person: str) -> Path:
        """The folder of a person's vote key."""
        return self.folder / "people" / person

    async def client_of(self, person: str) -> Client:
        """A client with a short token of that person, for what the story does through the API itself."""
        keys = VoteKeyFile(self.keys_of(person))
        profile, key = keys.profile(), keys.unlock(PASSPHRASE)
        async with Client(self.url) as anonymous:
            challenge = await anonymous.challenge(profile.key_id)
            token = await anonymous.sign_in(
                profile.key_id, challenge, sign_challenge(key, profile.key_id, challenge)
            )
        return Client(self.url, token)

    async def read_gitlab(self, path: str) -> Any:
        """Read the sandbox's GitLab as anybody with a read-only token can."""
        headers = {"PRIVATE-TOKEN": self.tokens["read_only"]}
        async with httpx2.AsyncClient(base_url=self.gitlab, headers=headers) as http:
            answer = await http.get(f"/api/v4{path}")
            answer.raise_for_status()
            return answer.json()

    async def read_jira(self, path: str) -> Any:
        """Read the sandbox's Jira."""
        auth = (self.tokens["jira_email"], self.tokens["jira"])
        async with httpx2.AsyncClient(base_url=self.jira, auth=auth) as http:
            answer = await http.get(f"/rest/api/3{path}")
            answer.raise_for_status()
            return answer.json()

    async def throw_switch(self, name: str, **given: Any) -> None:
        """Change the sandbox's world: a failing deployment, for instance."""
        async with httpx2.AsyncClient(base_url=self.gitlab) as http:
            (await http.post(f"/_sandbox/{name}", json=given)).raise_for_status()

    def _write_settings(self) -> None:
        for name in ("road", "merge", "jira"):
            path = self.folder / "secrets" / name
            path.touch(mode=0o600)
            path.write_text(self.tokens[name], encoding="utf-8")
        hosts = [url.removeprefix("http://") for url in (self.gitlab, self.jira)]
        with (self.home / "loopgate.toml").open("a", encoding="utf-8") as file:
            file.write(
                _SETTINGS.format(
                    folder=self.folder,
                    gitlab=self.gitlab,
                    jira=self.jira,
                    hosts=json.dumps(hosts),
                    email=self.tokens["jira_email"],
                )
            )

    def _spawn(self, module: str, *arguments: str) -> Path:
        """Start a process; the file its standard output goes to."""
        said = self.folder / f"{module}.log"
        with said.open("wb") as output, (self.folder / f"{module}.errors").open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own program, an argv list
                [sys.executable, "-m", module, *arguments],
                stdout=output,
                stderr=errors,
                cwd=self.folder,
                env={k: v for k, v in os.environ.items() if not k.startswith("LOOPGATE_")},
            )
        self._processes.append(process)
        return said


_SETTINGS = """
[serve]
port = 0
poll_s = 0.3

[gitlab]
url = "{gitlab}"
road = {{ file = "{folder}/secrets/road" }}
merge = {{ file = "{folder}/secrets/merge" }}

[jira]
url = "{jira}"
email = "{email}"
token = {{ file = "{folder}/secrets/jira" }}

[egress]
loopback = {hosts}
"""


def _first_line(said: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What a process says of itself, in JSON, once it serves."""
    deadline = time.monotonic() + _START_S
    while not (text := said.read_text(encoding="utf-8")).count("\n"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise StoryDiffersError(f"{said.stem} did not start; see {said.with_suffix('.errors')}.")
        time.sleep(0.05)
    announced: dict[str, Any] = json.loads(text.splitlines()[0])
    return announced
