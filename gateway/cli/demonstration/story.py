"""The story: a report becomes a work item, a change, an approved merge; a bad deployment is rolled back; three no's."""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.cli.demonstration.narrator import Narrator
from gateway.cli.demonstration.stage import AGENT_PROJECTS, Stage
from gateway.client.api import ApiError, Client

PROJECT = "shop/checkout"
TRACKER = "SHOP"
BRANCH = "agent/jquery-3.4.0"
PEOPLE = ("prn_checkout_owner", "prn_release_manager", "prn_developer", "prn_auditor")
_PATIENCE_S = 40.0
_VULNERABLE = "jquery"
_OLD, _FIXED = "3.3.9", "3.4.0"


class Story:
    """The scenes in order; each checks that what happened is what must happen."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        self.stage, self.tell = stage, narrator
        self.fixer: Client
        self.trace = ""
        self.issue = ""
        self.request = 0
        self.head = ""
        self.merged: dict[str, Any] = {}

    async def people_and_agents(self, code: str) -> None:
        """The operator logs in, invites people, and makes the agent's token."""
        self.tell.step(
            "The operator logs in with the one-time code of `loopgate init`; a vote key is made, passphrase from the terminal."
        )
        await asyncio.to_thread(self.stage.log_in, "prn_operator", code)
        self.tell.step(
            "The operator invites the service owner, a release manager, the agent's owner and an auditor."
        )
        async with await self.stage.client_of("prn_operator") as operator:
            codes = {person: await operator.invite(person) for person in PEOPLE}
            token = await operator.issue_token("agt_fixer", {"projects": AGENT_PROJECTS})
        await asyncio.gather(*(asyncio.to_thread(self.stage.log_in, p, c) for p, c in codes.items()))
        self.fixer = Client(self.stage.url, token["secret"])
        me = await self.fixer.me()
        self.tell.good(
            f"agt_fixer works for {me['owner']} with a gateway token; it holds no GitLab or Jira credential."
        )

    async def report_becomes_work_item(self) -> None:
        """A real Trivy report → findings → one work item in Jira, opened on the road by agt_loop."""
        report = files("gateway.cli.demonstration").joinpath("data/trivy-npm.json").read_bytes()
        self.tell.step("A real Trivy report arrives for shop/checkout.")
        async with await self.stage.client_of("prn_operator") as operator:
            made = (await operator.import_trivy(report, project=PROJECT, tracker=TRACKER))["items"]
        self.tell.expect(len(made) == 1, f"one work item was expected, {len(made)} were made")
        item = made[0]
        self.issue, self.trace = str(item["issue"]), str(item["trace"])
        issue = await self.stage.read_jira(f"/issue/{self.issue}")
        self.tell.expect(issue["fields"]["status"]["name"] == "To Do", "the issue must be open in Jira")
        self.tell.good(f"{self.issue} in Jira: {issue['fields']['summary']}")
        self.tell.detail(f"opened by agt_loop, whose grant is issue.* only; trace {self.trace}")

    async def agent_fixes(self) -> None:
        """Branch, commit and merge request, each an action of its own."""
        self.tell.step(
            f"agt_fixer reads the repository, bumps {_VULNERABLE} {_OLD} → {_FIXED}, and asks for a branch and a commit."
        )
        await self.act("branch.create", {"branch": BRANCH}, {"from": "main"})
        changes = await asyncio.to_thread(self._bumped)
        message = f"Upgrade {_VULNERABLE} to {_FIXED}\n\nFixes prototype pollution, see {self.issue}."
        commit = await self.act("commit.create", {"branch": BRANCH}, {"message": message, "changes": changes})
        self.head = commit["result"]["commit"]
        self.tell.good(f"commit {self.head[:12]} on {BRANCH}, built with git plumbing, pushed with a lease")
        self.tell.step("It opens a merge request.")
        params = {
            "source": BRANCH,
            "target": "main",
            "title": f"Upgrade {_VULNERABLE} to {_FIXED} ({self.issue})",
        }
        opened = await self.act(
            "merge_request.open", {}, {**params, "description": f"Work item {self.issue}."}
        )
        self.request = int(opened["result"]["merge_request"])
        self.tell.good(f"{PROJECT}!{self.request}")

    async def merge_is_held(self) -> str:
        """The ruling on the merge asks two people; the ticket's id."""
        self.tell.step("It asks to merge exactly that commit.")
        held = await self.propose(
            "merge_request.merge", {"merge_request": self.request}, {"expected_head": self.head}
        )
        self.tell.expect(held["status"] == "held", f"the merge must be held, it is {held['status']}")
        reach = held["ticket"]["question"]["reach"]
        dependants = ", ".join(d["service"] for d in reach["dependants"]) or "none"
        self.tell.detail(
            f"blast radius: services {', '.join(reach['services'])}; dependants {dependants}; "
            f"{reach['files']} files, {reach['lines']} lines; deploys to {reach['environment']}"
        )
        self.tell.findings(held["ruling"]["findings"])
        self.tell.good(f"held: {held['ticket']['id']} waits for {_wanted(held['ticket'])}")
        self.merged = held
        return str(held["ticket"]["id"])

    async def people_approve(self, ticket: str) -> None:
        """Two signed votes at two terminals."""
        self.tell.step(
            "The service owner reads the ticket and approves at her terminal; the vote is signed with her key."
        )
        await self.approve("prn_checkout_owner", ticket, "Patch release, tests cover the cart.")
        self.tell.step("The release manager approves.")
        await self.approve("prn_release_manager", ticket, "Goes out with the next deployment.")
        self.tell.step(
            "The gateway waits for the pipeline, judges again, and merges exactly the head they saw."
        )
        done = await self.until(self.merged["action_id"], "performed")
        main = await self.stage.read_gitlab(f"/projects/{_encoded(PROJECT)}/merge_requests/{self.request}")
        self.tell.expect(
            main["state"] == "merged" and main["sha"] == self.head, "exactly that head must be merged"
        )
        self.tell.good(
            f"merged {self.head[:12]} as {done['result']['commit'][:12]}; evidence at leaves {_leaves(done)}"
        )

    async def work_item_closes(self) -> None:
        """The agent moves the issue, with a link to the merge request."""
        self.tell.step(f"agt_fixer moves {self.issue} to Done, with a link to the merge request.")
        link = f"{self.stage.gitlab}/{PROJECT}/-/merge_requests/{self.request}"
        await self.act("issue.transition", {"issue": self.issue}, {"to": "Done", "link": link}, jira=True)
        issue = await self.stage.read_jira(f"/issue/{self.issue}")
        self.tell.expect(issue["fields"]["status"]["name"] == "Done", "the issue must be done in Jira")
        self.tell.good(f"{self.issue} is Done in Jira")

    async def bad_deployment_rolls_back(self) -> None:
        """A deployment turns out bad; a governed rollback to the last good one."""
        bad = await self._deployed(self.merged["action_id"])
        self.tell.step(
            f"The merge is deployed (deployment {bad['id']}); in production the checkout's errors double."
        )
        good = await self._last_good(bad["id"])
        self.tell.step("agt_fixer asks for a rollback to the last deployment that ran healthy.")
        params = {"to": str(good["id"]), "method": "redeploy"}
        held = await self.propose("deployment.rollback", {"environment": "production"}, params)
        self.tell.expect(held["status"] == "held", f"the rollback must be held, it is {held['status']}")
        self.tell.findings(held["ruling"]["findings"])
        await self.approve("prn_release_manager", held["ticket"]["id"], "Checkout errors doubled.")
        done = await self.until(held["action_id"], "performed")
        self.tell.good(
            f"the job of deployment {good['id']} runs again: {done['result']['commit'][:12]} in production"
        )

    async def propose(
        self, kind: str, target: dict[str, Any], params: dict[str, Any], *, jira: bool = False
    ) -> dict[str, Any]:
        """Propose an action on the demonstration's project as agt_fixer."""
        system, project = ("jira", TRACKER) if jira else ("gitlab", PROJECT)
        whole = {"system": system, "project": project, **target}
        proposal = {
            "type": kind,
            "target": whole,
            "params": params,
            "intent": f"Fix {_VULNERABLE}",
            "trace": self.trace,
        }
        return await self.fixer.propose(proposal)

    async def act(
        self, kind: str, target: dict[str, Any], params: dict[str, Any], *, jira: bool = False
    ) -> dict[str, Any]:
        """Propose an action that must be done at once."""
        done = await self.propose(kind, target, params, jira=jira)
        self.tell.expect(done["status"] == "performed", f"{kind} must be performed, it is {done['status']}")
        return done

    async def refusal(self, asking: Callable[[], Awaitable[Any]]) -> ApiError:
        """The refusal that something must end in."""
        try:
            await asking()
        except ApiError as error:
            return error
        self.tell.expect(what=False, sentence="this must be refused, and was not")
        raise AssertionError

    async def approve(self, person: str, ticket: str, reason: str) -> None:
        """A signed approval by the real command line at a terminal."""
        status, shown = await asyncio.to_thread(
            self.stage.as_person, person, "tickets", "approve", ticket, "--reason", reason
        )
        self.tell.expect(status == 0, f"{person} could not approve: {shown.strip()}")
        self.tell.good(f"{person}: approve, signed")

    async def until(self, action_id: str, status: str) -> dict[str, Any]:
        """The action once it has that status."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            document = await self.fixer.action(action_id)
            if document["status"] == status:
                return document
            waiting = document["status"] in {"requested", "held", "approved", "waiting", "started"}
            self.tell.expect(
                waiting and time.monotonic() < deadline, f"{action_id} is {document['status']}, not {status}"
            )
            await asyncio.sleep(0.2)

    def _bumped(self) -> list[dict[str, Any]]:
        clone = self.stage.folder / "agent-clone"
        address = self.stage.gitlab.replace("://", f"://agent:{self.stage.tokens['read_only']}@")
        subprocess.run(["git", "clone", "--quiet", f"{address}/{PROJECT}.git", str(clone)], check=True)  # noqa: S603, S607
        return [_bump(clone, name) for name in ("package.json", "package-lock.json")]

    async def _deployed(self, action_id: str) -> dict[str, Any]:
        """The newest successful deployment of the merge, once its pipeline has run."""
        commit = (await self.fixer.action(action_id))["result"]["commit"]
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            for deployment in await self._deployments():
                if deployment["sha"] == commit and deployment["status"] == "success":
                    return dict(deployment)
            self.tell.expect(time.monotonic() < deadline, "the merge was not deployed")
            await asyncio.sleep(0.2)

    async def _last_good(self, bad: int) -> dict[str, Any]:
        good = [d for d in await self._deployments() if d["id"] < bad and d["status"] == "success"]
        self.tell.expect(bool(good), "there must be an earlier good deployment")
        return max(good, key=lambda d: int(d["id"]))

    async def _deployments(self) -> list[dict[str, Any]]:
        path = f"/projects/{_encoded(PROJECT)}/deployments?environment=production&order_by=id&sort=desc"
        return list(await self.stage.read_gitlab(path))


def _bump(clone: Path, name: str) -> dict[str, Any]:
    text = (clone / name).read_text(encoding="utf-8")
    return {"op": "update", "path": name, "content": text.replace(_OLD, _FIXED)}


def _encoded(project: str) -> str:
    return project.replace("/", "%2F")


def _leaves(document: dict[str, Any]) -> str:
    return ", ".join(str(i) for i in document["evidence"])


def _wanted(ticket: dict[str, Any]) -> str:
    return " and ".join(
        f"{c['count']} {' or '.join(c['any_of_roles'])}"
        + (f" of {c['for_service']}" if c["for_service"] else "")
        for c in ticket["clauses"]
    )
