"""The canary flies through every outcome an action can have, and past every surface that tells of it.

The gateway of this flight tells people by comments and a webhook, traces to a collector, writes JSON logs, is backed
up, and hands out evidence. The canary stands in what agents and operators say, in
names that others gave branches and files, in vendor credentials, and in the vote key of a person's own machine.
"""

import io
import logging
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.adapters.logs import set_up_logging
from gateway.app.backup import back_up
from gateway.app.watched_door import WatchedDoor
from gateway.client.api import ApiError, Client
from gateway.client.vote_keys import Profile, VoteKeyFile
from gateway.doors.rest.door import rest_door
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.notify.receiver import receiving
from tests.promises.test_told import talkative
from tests.town import (
    AUDITOR,
    OPERATOR,
    OWNER,
    PROJECT,
    RELEASE,
    Opened,
    Town,
    commit_on,
    held_merge,
    open_merge_request,
    proposal,
)

pytestmark = pytest.mark.slow
WORD = "kanarienvogel"
PASSPHRASE = "a passphrase of the canary"  # bait, no secret
_numbers = count()
_Answer = dict[str, Any]
ENDS = {
    name: name
    for name in (
        *("denied", "refused", "in_doubt", "performed", "rejected", "cancelled", "stale", "waiting"),
        "expired",
    )
} | {"somebody's name": "SECRET-001", "a name given": "malformed"}


def canary() -> str:
    """A token that no detector may miss, different each time."""
    return f"glpat-{WORD}{next(_numbers):07d}"


class Flight:
    """One flight: what was answered, and how each action ended."""

    def __init__(self, town: Town, agent: Client) -> None:
        self.town, self.agent = town, agent
        self.heard: list[str] = []
        self.ends: dict[str, str] = {}

    async def propose(self, body: _Answer) -> _Answer:
        """The answer, also when it is a refusal."""
        try:
            answer = await self.agent.propose(body)
        except ApiError as error:
            answer = error.problem.model_dump(mode="json")
        self.heard.append(str(answer))
        return answer

    async def ended(self, name: str, action_id: str) -> None:
        """Keep how it ended, as the agent is told."""
        document = await self.agent.action(action_id)
        self.heard.append(str(document))
        self.ends[name] = document["status"]

    async def merge_of(self, branch: str) -> tuple[Opened, _Answer]:
        """A merge that is held."""
        opened = await open_merge_request(self.agent, f"agent/{branch}", path=f"docs/{branch}.md")
        return opened, await held_merge(self.agent, opened)

    async def without_people(self) -> None:
        """Denied, refused, in doubt: where nobody is asked."""
        body = proposal("issue.comment", {"body": f"see {canary()}"}, issue="1")
        denied = await self.propose({**body, "intent": canary()})
        await self.ended("denied", denied["action_id"])
        for name, fault in (
            ("refused", Fault("status", system="gitlab", method="POST", path=".*/notes", status=400)),
            ("in_doubt", Fault("lose_reply", system="gitlab", method="POST", path=".*/notes")),
        ):
            self.town.sandbox.switches.add(fault)
            answer = await self.propose(proposal("issue.comment", {"body": f"Fine, {name}."}, issue="1"))
            await self.ended(name, answer["action_id"])

    async def with_people(self) -> None:
        """Held, and then approved and performed, rejected, cancelled, stale."""
        town = self.town
        _, held = await self.merge_of("approved")
        for person in (OWNER, RELEASE):
            self.heard.append(str(await town.vote(person, held["ticket"]["id"])))
        await town.settle(self.agent, held["action_id"])
        await self.ended("performed", held["action_id"])

        _, held = await self.merge_of("rejected")
        await town.vote(OWNER, held["ticket"]["id"], "reject")
        await self.ended("rejected", held["action_id"])

        _, held = await self.merge_of("cancelled")
        self.heard.append(str(await self.agent.cancel(held["action_id"])))
        await self.ended("cancelled", held["action_id"])

        opened, held = await self.merge_of("stale")
        await commit_on(self.agent, opened.branch, path="docs/more.md")
        for person in (OWNER, RELEASE):
            await town.vote(person, held["ticket"]["id"])
        await town.settle(self.agent, held["action_id"])
        await self.ended("stale", held["action_id"])

    async def _stop(self) -> str:
        async with await self.town.sign_in(OPERATOR) as operator:
            return str(await operator.stop("project", PROJECT, f"it leaked {canary()}"))

    async def to_the_end(self) -> None:
        """What waits for a stop to be lifted, and what nobody answers in time; after it every token has expired."""
        _, asked = await self.merge_of("expired")
        _, held = await self.merge_of("waiting")
        self.heard.append(await self._stop())
        for person in (OWNER, RELEASE):
            await self.town.vote(person, held["ticket"]["id"])
        await self.town.look()
        await self.ended("waiting", held["action_id"])
        self.town.clock.advance(9 * 3600)
        await self.town.look()
        async with await self.town.agent() as agent:
            self.agent = agent
            await self.ended("expired", asked["action_id"])

    async def names_of_others(self) -> None:
        """A branch and a file that somebody else named by a secret, and a secret an agent gives as a name."""
        opened = await open_merge_request(self.agent, "agent/named", path="docs/named.md")
        branch = f"agent/{canary()}"
        push_by_hand(self.town, opened.branch, branch, f"docs/{canary()}.md")
        project = self.town.sandbox.forge.project_at(PROJECT)
        assert project is not None
        project.merge_requests[opened.iid].source_branch = branch
        comment = proposal("merge_request.comment", {"body": "Fine."}, merge_request=opened.iid)
        denied = await self.propose(comment)
        self.ends["somebody's name"] = ",".join(f["code"] for f in denied["findings"])
        given = await self.propose(proposal("branch.create", {"from": "main"}, branch=f"agent/{canary()}"))
        self.ends["a name given"] = given["code"]


def push_by_hand(town: Town, start: str, branch: str, path: str) -> None:
    """Somebody pushes a new branch with a new file, past the gateway."""
    clone = town.home.parent / "named"
    address = town.sandbox.gitlab_url.replace("://", f"://maya:{town.sandbox.tokens.maya}@")
    who = ("-c", "user.name=Maya", "-c", "user.email=maya@sandbox.test")
    subprocess.run(["git", "clone", "-q", "-b", start, f"{address}/{PROJECT}.git", str(clone)], check=True)
    (clone / path).write_text("By hand.\n")
    for words in (
        ("checkout", "-q", "-b", branch),
        ("add", "."),
        (*who, "commit", "-q", "-m", "By hand"),
        ("push", "-q", "origin", branch),
    ):
        subprocess.run(["git", "-C", str(clone), *words], check=True)


def switch_tracing_on(town: Town, port: int) -> None:
    """Spans go to a collector on this machine."""
    with (town.home / "loopgate.toml").open("a") as config:
        config.write(f'\n[observability]\notlp_endpoint = "http://127.0.0.1:{port}/v1/traces"\n')


def cli_home(folder: Path, person: str) -> bytes:
    """A home of the command line with an encrypted vote key; the private half as it must stand nowhere."""
    keys = VoteKeyFile(folder)
    key = keys.create(PASSPHRASE)
    keys.remember(Profile(url="http://gateway.test", person=person, key_id="key_1"))
    return key.private_bytes_raw()


def watched(town: Town) -> httpx2.ASGITransport:
    """The door as a listener serves it: with spans and lines in the log."""
    gateway = town.gateway
    door = WatchedDoor(
        rest_door(gateway.neighbours), gateway.watch, new_id=gateway.new_request_id, access_log=True
    )
    return httpx2.ASGITransport(app=door, raise_app_exceptions=False)


async def fly(town: Town, folder: Path) -> Flight:
    """Everything, with people told of it, and then what is carried away: backup and evidence."""
    town._transport = watched(town)
    async with await town.agent() as agent:
        flight = Flight(town, agent)
        await flight.without_people()
        await flight.with_people()
        await flight.names_of_others()
        await flight.to_the_end()
    await town.gateway.teller.look()
    town.clock.advance(130)
    await town.gateway.teller.look()
    async with await town.sign_in(AUDITOR) as auditor:
        await auditor.bundle(folder / "bundle.tar")
    back_up(town.settings, folder / "backup")
    return flight


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file but those that are there to hold a key, the code that `init` printed, and copies of repositories."""
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not {"keys", "mirrors"} & set(parts) and file.name != "code.json":
            yield str(Path(*parts)), file.read_bytes()


async def test_no_outcome_and_no_surface_tells_a_secret(home_template: Path, tmp_path: Path) -> None:
    lines, carried, home = io.StringIO(), tmp_path / "carried", tmp_path / "cli"
    carried.mkdir()
    key = cli_home(home, OWNER)
    with receiving() as collector, talkative(home_template, tmp_path) as (town, receiver):
        switch_tracing_on(town, collector.port)
        undo = set_up_logging(form="json", level="debug", stream=lines)
        try:
            async with town.open():
                flight = await fly(town, carried)
                logging.getLogger("loopgate").warning("a line with %s in it", canary())
        finally:
            undo()
        project = town.sandbox.forge.project_at(PROJECT)
        assert project is not None
        notes = [n.body for request in project.merge_requests.values() for n in request.notes]
        notes += [n.body for issue in project.issues.values() for n in issue.notes]

    places = [*files(town.home), *files(carried), *files(home)]
    places += [(f"span {n}", body) for n, (_, body) in enumerate(collector.came)]
    places += [(f"notice {n}", body) for n, (_, body) in enumerate(receiver.came)]
    places += [(f"note {n}", body.encode()) for n, body in enumerate(notes)]
    places += [(f"answer {n}", body.encode()) for n, body in enumerate(flight.heard)]
    places.append(("log lines", lines.getvalue().encode()))
    vendors = town.sandbox.tokens
    keys = [key, *(citizen.key.private_bytes_raw() for citizen in town.citizens.values())]
    secrets = [vendors.road, vendors.merge, vendors.jira, PASSPHRASE, "s3cret", WORD]
    unwanted = {text.encode() for text in secrets} | set(keys) | {k.hex().encode() for k in keys}
    leaks = [
        f"{name}: {content[max(0, content.index(u) - 80) :][:120]!r}"
        for name, content in places
        for u in unwanted
        if u in content
    ]

    assert leaks == []
    assert flight.ends == ENDS
    assert {bool(collector.came), bool(receiver.came), bool(notes)} == {True}
    assert {"backup/loopgate.db", "bundle.tar", "exported.jsonl", "key.pem"} <= {name for name, _ in places}
    assert any(b"action.judge" in body or b"loopgate.action_id" in body for _, body in collector.came)
