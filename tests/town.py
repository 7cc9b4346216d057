"""A whole gateway in one test: the real composition, real git, real Rego, a real database, the sandbox's vendors.

Only the clock is the test's. Requests go through the REST door without a socket.
"""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.adapters.clock import SystemClock
from gateway.app import Gateway, create_home, open_gateway
from gateway.client.api import ApiError, Client
from gateway.client.vote_keys import public_half, sign_challenge, sign_vote
from gateway.doors.rest.door import rest_door
from gateway.sandbox.server import Sandbox
from gateway.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
PROJECT, TRACKER = "shop/checkout", "SHOP"
OWNER, RELEASE, DEVELOPER, AUDITOR = (
    "prn_checkout_owner",
    "prn_release_manager",
    "prn_developer",
    "prn_auditor",
)
OPERATOR = "prn_operator"
NOTE = {"op": "create", "path": "docs/note.md", "content": "A note.\n"}


@dataclass
class TownClock:
    """The machine's time plus what the test lets pass."""

    ahead_ms: int = 0
    machine: SystemClock = field(default_factory=SystemClock)

    def now_ms(self) -> int:
        return self.machine.now_ms() + self.ahead_ms

    def advance(self, seconds: float) -> None:
        self.ahead_ms += int(seconds * 1000)


@dataclass
class Citizen:
    """A person with a vote key."""

    person: str
    key: Ed25519PrivateKey
    key_id: str


class Town:
    """One gateway with people, agents and vendors. `look()` is what the poller does on its own in production."""

    def __init__(self, home: Path, sandbox: Sandbox) -> None:
        self.home, self.sandbox = home, sandbox
        self.clock = TownClock()
        self.gateway: Gateway
        self.citizens: dict[str, Citizen] = {}
        self._transport: httpx2.ASGITransport

    @property
    def settings(self) -> Settings:
        return load_settings(self.home)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Town"]:
        """Open the gateway; may be entered again after it was left, as after a restart."""
        async with open_gateway(self.settings, self.clock) as gateway:
            self.gateway = gateway
            self._transport = httpx2.ASGITransport(
                app=rest_door(gateway.neighbours), raise_app_exceptions=False
            )
            yield self

    def client(self, token: str | None = None) -> Client:
        return Client("http://gateway.test", token, transport=self._transport)

    async def sign_in(self, person: str) -> Client:
        """A client with a short token of that person, who gets a vote key the first time."""
        citizen = self.citizens.get(person) or await self._naturalise(person)
        async with self.client() as anonymous:
            challenge = await anonymous.challenge(citizen.key_id)
            signature = sign_challenge(citizen.key, citizen.key_id, challenge)
            return self.client(await anonymous.sign_in(citizen.key_id, challenge, signature))

    async def agent(self, agent: str = "agt_fixer", **scope: Any) -> Client:
        """A client with a fresh token of that agent."""
        request = {"projects": ["shop/*", "jira:SHOP"], **scope}
        async with await self.sign_in(OPERATOR) as operator:
            return self.client((await operator.issue_token(agent, request))["secret"])

    async def vote(
        self,
        person: str,
        ticket: str,
        answer: str = "approve",
        *,
        digest: str | None = None,
        signed: bool = True,
    ) -> dict[str, Any]:
        """Vote as that person; raises `ApiError` when the vote is refused."""
        async with await self.sign_in(person) as voter:
            question = digest or (await self.ticket(ticket))["question_digest"]
            citizen = self.citizens[person]
            ballot: dict[str, Any] = {"answer": answer, "question_digest": question, "reason": "Because."}
            if signed:
                signature = sign_vote(
                    citizen.key,
                    ticket=ticket,
                    question_digest=question,
                    answer="approve" if answer == "approve" else "reject",
                    reason="Because.",
                )
                ballot["assertion"] = {"method": "signed", "key_id": citizen.key_id, "signature": signature}
            return await voter.vote(ticket, ballot)

    async def vote_with_key(self, person: str, signer: str, ticket: str) -> dict[str, Any]:
        """A vote of `person` whose signature is by the key of `signer`."""
        question = (await self.ticket(ticket))["question_digest"]
        key = self.citizens[signer].key
        signature = sign_vote(
            key, ticket=ticket, question_digest=question, answer="approve", reason="Because."
        )
        assertion = {"method": "signed", "key_id": self.citizens[person].key_id, "signature": signature}
        ballot = {
            "answer": "approve",
            "question_digest": question,
            "reason": "Because.",
            "assertion": assertion,
        }
        async with await self.sign_in(person) as voter:
            return await voter.vote(ticket, ballot)

    def commit_by_hand(self, branch: str, author: dict[str, str]) -> str:
        """Somebody pushes a commit to a branch, past the gateway; the new head."""
        clone = self.home.parent / "by-hand"
        address = self.sandbox.gitlab_url.replace("://", f"://maya:{self.sandbox.tokens.maya}@")
        who = ["-c", f"user.name={author['name']}", "-c", f"user.email={author['email']}"]
        subprocess.run(
            ["git", "clone", "-q", "-b", branch, f"{address}/{PROJECT}.git", str(clone)], check=True
        )
        (clone / "by-hand.md").write_text("By hand.\n")
        subprocess.run(["git", "-C", str(clone), "add", "."], check=True)
        subprocess.run(["git", "-C", str(clone), *who, "commit", "-q", "-m", "By hand"], check=True)
        subprocess.run(["git", "-C", str(clone), "push", "-q", "origin", branch], check=True)
        head = subprocess.run(
            ["git", "-C", str(clone), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        )
        return head.stdout.strip()

    async def ticket(self, ticket: str) -> dict[str, Any]:
        async with await self.sign_in(OPERATOR) as operator:
            return await operator.ticket(ticket)

    async def look(self, seconds: float = 5) -> int:
        """Let time pass everywhere, look for what is due, and wait until it has been carried."""
        self.clock.advance(seconds)
        self.sandbox.clock.advance(seconds)
        taken = await self.gateway.poller.look()
        await self.gateway.neighbours.carrier.finish()
        return taken

    async def settle(self, agent: Client, action_id: str, *, looks: int = 20) -> dict[str, Any]:
        """Look until the action rests in a final state."""
        for _ in range(looks):
            document = await agent.action(action_id)
            if document["status"] not in {"requested", "approved", "waiting", "started", "in_doubt"}:
                return document
            await self.look()
        return await agent.action(action_id)

    async def _naturalise(self, person: str) -> Citizen:
        if person == OPERATOR:
            code = json.loads((self.home / "code.json").read_text())["code"]
        else:
            async with await self.sign_in(OPERATOR) as operator:
                code = await operator.invite(person)
        key = Ed25519PrivateKey.generate()
        async with self.client() as anonymous:
            registered = await anonymous.register_key(code, public_half(key))
        self.citizens[person] = Citizen(person, key, registered["id"])
        return self.citizens[person]


def proposal(
    kind: str, params: dict[str, Any] | None = None, *, jira: bool = False, **target: Any
) -> dict[str, Any]:
    """A proposal on the demo world's project."""
    system, project = ("jira", TRACKER) if jira else ("gitlab", PROJECT)
    aim = {"system": system, "project": project, **target}
    return {"type": kind, "target": aim, "params": params or {}, "intent": "a test"}


async def refusal(answer: Any) -> ApiError:
    """The `ApiError` that awaiting `answer` must raise."""
    try:
        await answer
    except ApiError as error:
        return error
    raise AssertionError("this was not refused")


@dataclass
class Opened:
    """A merge request the agent opened, and its head."""

    iid: int
    head: str
    branch: str


async def open_merge_request(agent: Client, branch: str = "agent/note", **change: Any) -> Opened:
    """Branch, commit, merge request: everything an agent may do alone."""
    await agent.propose(proposal("branch.create", {"from": "main"}, branch=branch))
    commit = await commit_on(agent, branch, **change)
    params = {"source": branch, "target": "main", "title": "Add a note"}
    opened = await agent.propose(proposal("merge_request.open", params))
    return Opened(int(opened["result"]["merge_request"]), commit, branch)


async def commit_on(agent: Client, branch: str, **change: Any) -> str:
    """Commit one file on a branch; the new head."""
    params = {"message": "Add a note", "changes": [{**NOTE, **change}]}
    done = await agent.propose(proposal("commit.create", params, branch=branch))
    return str(done["result"]["commit"])


async def held_merge(agent: Client, opened: Opened, **params: Any) -> dict[str, Any]:
    """Propose the merge, which the shipped policy holds."""
    wanted = {"expected_head": opened.head, **params}
    return await agent.propose(proposal("merge_request.merge", wanted, merge_request=opened.iid))


def template_home(folder: Path, *, carry_over_clean_rebase: bool = False) -> Path:
    """A home folder made by `init`, to be copied for each test; its policy may keep votes over a clean rebase."""
    home = folder / "home"
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    if carry_over_clean_rebase:
        data = policies / "data" / "freezes.yaml"
        name = "carry_over_clean_rebase"
        data.write_text(data.read_text().replace(f"{name}: false", f"{name}: true"))
    made = create_home(home, policies=policies, origin="town.test/log", operator="The operator")
    (home / "code.json").write_text(json.dumps({"code": made.code}))
    return home


@contextmanager
def built_town(template: Path, folder: Path) -> Iterator[Town]:
    """A town on copies of a template home, with vendors of its own."""
    home = folder / "home"
    shutil.copytree(template, home)
    with Sandbox(folder / "sandbox") as sandbox:
        _connect(home, folder, sandbox)
        yield Town(home, sandbox)


@asynccontextmanager
async def open_town(template: Path, folder: Path) -> AsyncIterator[Town]:
    """A town whose gateway is open."""
    async with AsyncExitStack() as stack:
        town = stack.enter_context(built_town(template, folder))
        yield await stack.enter_async_context(town.open())


def _connect(home: Path, folder: Path, sandbox: Sandbox) -> None:
    for name in ("road", "merge", "jira"):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(getattr(sandbox.tokens, name))
    hosts = json.dumps([url.removeprefix("http://") for url in (sandbox.gitlab_url, sandbox.jira_url)])
    with (home / "loopgate.toml").open("a") as file:
        file.write(
            f'\n[gitlab]\nurl = "{sandbox.gitlab_url}"\nroad = {{ file = "{folder}/road" }}\n'
            f'merge = {{ file = "{folder}/merge" }}\n'
            f"gateway_emails = {json.dumps([u.email for u in sandbox.forge.users.values() if u.bot])}\n"
            f'[jira]\nurl = "{sandbox.jira_url}"\n'
            f'email = "{sandbox.tokens.jira_email}"\ntoken = {{ file = "{folder}/jira" }}\n'
            f"[egress]\nloopback = {hosts}\n"
        )
