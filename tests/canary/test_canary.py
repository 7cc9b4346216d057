"""A canary in every input: what looks like a secret goes in everywhere there is a way in, and comes out nowhere.

Every canary is a well-formed GitLab token with a word in it that stands nowhere else. After the flight the word, and
every real credential of this gateway, is searched in all that is kept and all that is said: database bytes, mirrors,
policy folder, evidence bundle, answers, metrics, log lines, standard error, arguments of child processes.
"""

import io
import logging
import re
import tarfile
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest
from prometheus_client import generate_latest

from gateway.adapters.logs import set_up_logging
from gateway.core.secret_detectors import find
from gateway.doors.rest.door import rest_door
from gateway.sandbox.switches import Fault
from tests.gateway.doors.rest.conftest import Served
from tests.town import PROJECT, ROOT, proposal

pytestmark = pytest.mark.slow
WORD = "kanarienvogel"
_numbers = count()
# Where a secret may stand: its own place, the keys of the log, and the code that `init` printed.
OWN_PLACES = ("keys", "code.json")
FIELDS = ("title", "name", "email", "reason", "id", "code", "value", "key_id", "challenge", "signature", "public_key", "answer",
          "question_digest", "scope", "projects", "action_types", "door", "ticket", "finding", "intent", "type", "trace")  # fmt: skip


def canary() -> str:
    """A token that no detector may miss, different each time."""
    return f"glpat-{WORD}{next(_numbers):07d}"


class Watch:
    """The arguments of every child process, as long as it runs, from `/proc`."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.002):
            for children in Path("/proc/self/task").glob("*/children"):
                try:
                    for child in children.read_text().split():
                        self.seen.add(Path(f"/proc/{child}/cmdline").read_bytes())
                except OSError:
                    continue  # it ended while it was looked at


class Flight:
    """Everything sent and everything answered."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.heard: list[str] = []

    def ask(self, role: str, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"User-Agent": canary(), "X-Request-Id": canary(), **more.pop("headers", {})}
        if role in self.served.tokens:
            headers["Authorization"] = f"Bearer {self.served.tokens[role]}"
        with httpx2.Client(base_url=self.served.url, timeout=60) as http:
            answer = http.request(method, path, headers=headers, **more)
        self.heard += [answer.text, str(answer.headers)]
        return answer

    def every_route(self) -> None:
        """A canary in the path, the query, the headers and every field of the body of every route, as every role."""
        for path, methods in rest_door(None).openapi()["paths"].items():
            for method in methods:
                for role in (*self.served.tokens, "nobody"):
                    self._one_route(role, method.upper(), path)

    def _one_route(self, role: str, method: str, path: str) -> None:
        plain = re.sub(r"\{(\w{3})\w*\}", r"\1_01", path)
        body = {name: canary() for name in FIELDS} | {
            "target": {"project": canary()},
            "params": {canary(): [canary()]},
        }
        content = {"json": body} if method == "POST" else {}
        self.ask(role, method, re.sub(r"\{\w+\}", canary(), path), **content)
        self.ask(
            role, method, plain, params={"project": canary(), "after": canary(), canary(): "x"}, **content
        )
        self.ask(
            role,
            method,
            plain,
            headers={"Idempotency-Key": canary(), "Prefer": canary(), "traceparent": canary()},
            **content,
        )
        if method == "POST":
            self.ask(role, method, plain, content=f'{{"a": "{canary()}", '.encode())

    def every_outcome(self) -> dict[str, str]:
        """Actions that end in many ways, with a canary in each text an agent, a person, a scanner or a vendor can write."""
        ends = {
            "denied": self._propose(
                proposal("issue.comment", {"body": f"see {canary()}"}, issue="1"), canary()
            ),
            "performed": self._propose(proposal("branch.create", {"from": "main"}, branch="agent/one")),
            "in_doubt": self._lost(),
            "refused": self._refused(),
            "held": self._held(),
        }
        self.ask(
            "operator",
            "POST",
            "/v1/people",
            json={"id": "prn_sre", "name": canary(), "email": f"{canary()}@a.example"},
        )
        stop = {"scope": "agent", "value": "agt_loop", "reason": f"it leaked {canary()}"}
        assert self.ask("operator", "POST", "/v1/stops", json=stop).status_code == 201
        report = (ROOT / "gateway/cli/demonstration/data/trivy-npm.json").read_text()
        leaky = report.replace('"Title": "', f'"Title": "{canary()} ').replace(
            "avd.aquasec.com/nvd", f"avd.aquasec.com/{canary()}"
        )
        query = {"project": PROJECT, "tracker": "SHOP"}
        assert (
            self.ask("system", "POST", "/v1/signals/trivy", params=query, content=leaky.encode()).status_code
            == 201
        )
        return ends

    def _lost(self) -> str:
        self.served.town.sandbox.switches.add(
            Fault(kind="lose_reply", system="gitlab", method="POST", path=".*/notes")
        )
        return self._propose(proposal("issue.comment", {"body": "Fine."}, issue="1"))

    def _refused(self) -> str:
        self.served.town.sandbox.switches.add(
            Fault(kind="status", status=400, system="gitlab", method="POST", path=".*/notes")
        )
        return self._propose(proposal("issue.comment", {"body": "Fine too."}, issue="1"))

    def _held(self) -> str:
        """A merge whose request somebody else gave a title and a description with a canary."""
        change = {"op": "create", "path": "docs/one.md", "content": "x\n"}
        commit = self.ask(
            "agent",
            "POST",
            "/v1/actions",
            json=proposal("commit.create", {"message": "One", "changes": [change]}, branch="agent/one"),
        )
        opened = {"source": "agent/one", "target": "main", "title": "One"}
        request = self.ask(
            "agent", "POST", "/v1/actions", json=proposal("merge_request.open", opened)
        ).json()["result"]
        project = self.served.town.sandbox.forge.project_at(PROJECT)
        assert project is not None
        written = project.merge_requests[int(request["merge_request"])]
        written.title, written.description = (
            canary(),
            f"Words.\n\nX-Token: {canary()}\nCloses https://a.example/{canary()}/-/issues/1",
        )
        merge = proposal(
            "merge_request.merge",
            {"expected_head": commit.json()["result"]["commit"]},
            merge_request=written.iid,
        )
        self._propose(merge)
        written.title = written.description = "Plain"
        held = self.ask("agent", "POST", "/v1/actions", json={**merge, "intent": "again"}).json()
        ballot = {
            "answer": "reject",
            "question_digest": held["ticket"]["question_digest"],
            "reason": f"no: {canary()}",
        }
        refused = self.ask("approver", "POST", f"/v1/tickets/{held['ticket']['id']}/votes", json=ballot)
        assert refused.status_code == 422
        return str(held["status"])

    def _propose(self, body: dict[str, Any], key: str | None = None) -> str:
        self.ask("agent", "POST", "/v1/rulings", json={**body, "intent": canary()})
        intent = f"because {canary()}" if key else "because"
        answer = self.ask("agent", "POST", "/v1/actions", json={**body, "intent": intent}).json()
        return str(answer.get("action", answer)["status"])

    def everything_kept(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the home but those that are there to hold a secret, and the evidence bundle's files."""
        home = self.served.town.home
        for file in sorted(home.rglob("*")):
            if file.is_file() and file.relative_to(home).parts[0] not in OWN_PLACES:
                yield str(file.relative_to(home)), file.read_bytes()
        with httpx2.Client(
            base_url=self.served.url, headers={"Authorization": f"Bearer {self.served.tokens['auditor']}"}
        ) as http:
            bundle = http.post("/v1/audit/bundles", json={})
        with tarfile.open(fileobj=io.BytesIO(bundle.content)) as tar:
            for member in tar:
                opened = tar.extractfile(member)
                yield f"bundle/{member.name}", opened.read() if opened else b""

    def everything_said(self) -> Iterator[tuple[str, bytes]]:
        """Every answer, the metrics, and what readers of every role are shown of what is stored."""
        for role in self.served.tokens:
            for path in (
                "/v1/actions",
                "/v1/tickets",
                "/v1/audit/events?limit=1000",
                "/v1/work-items",
                "/v1/stops",
                "/v1/me",
                "/readyz",
            ):
                self.ask(role, "GET", path)
        yield "metrics", generate_latest(self.served.town.gateway.watch.meters.registry)
        yield from ((f"answer {number}", text.encode()) for number, text in enumerate(self.heard))


def real_secrets(served: Served) -> set[bytes]:
    """Every credential that is in use: tokens of principals, vendor credentials, private halves of vote keys."""
    vendors = served.town.sandbox.tokens
    keys = [citizen.key.private_bytes_raw() for citizen in served.town.citizens.values()]
    texts = [*served.tokens.values(), vendors.road, vendors.merge, vendors.jira]
    return {text.encode() for text in texts} | set(keys) | {key.hex().encode() for key in keys}


def _around(content: bytes, secret: bytes) -> str:
    at = content.index(secret)
    return content[max(0, at - 80) : at + 40].decode("utf-8", "backslashreplace")


def test_the_canary_is_one_that_detectors_see() -> None:
    assert [hit.detector for hit in find(canary())] == ["gitlab-token"]


def test_no_secret_that_goes_in_anywhere_is_kept_or_said(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = io.StringIO()
    undo = set_up_logging(form="json", level="debug", stream=lines)
    try:
        with Watch() as watch:
            flight = Flight(served)
            flight.every_route()
            ends = flight.every_outcome()
            logging.getLogger("loopgate").warning("a line with %s in it", canary())
            places = [*flight.everything_kept(), *flight.everything_said()]
    finally:
        undo()
    said = capfd.readouterr()
    places += [
        ("log lines", lines.getvalue().encode()),
        ("stderr", said.err.encode()),
        ("stdout", said.out.encode()),
    ]
    places += [("arguments", arguments) for arguments in watch.seen]
    unwanted = {WORD.encode(), *real_secrets(served)}
    found = {
        name: _around(content, secret) for name, content in places for secret in unwanted if secret in content
    }

    assert ends == {
        "denied": "denied",
        "performed": "performed",
        "in_doubt": "in_doubt",
        "refused": "refused",
        "held": "held",
    }
    assert [f"{name}: …{shown}…" for name, shown in found.items()][:20] == []
    assert any(b"git" in arguments for arguments in watch.seen)
    assert any(
        b"{redacted:gitlab-token}" in content for name, content in places if name.startswith("loopgate.db")
    )
    assert "{redacted:gitlab-token}" in lines.getvalue()
