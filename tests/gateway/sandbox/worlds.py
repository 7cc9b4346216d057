"""Ways to speak to a sandbox in tests: HTTP clients per identity, and a git working copy."""

import subprocess
from pathlib import Path
from typing import Any

import httpx2

from gateway.sandbox.git.repository import clean_environment
from gateway.sandbox.server import Sandbox

CHECKOUT = "/projects/shop%2Fcheckout"
Document = dict[str, Any]


def gitlab_client(sandbox: Sandbox, token: str | None = None) -> httpx2.Client:
    """A client of the API, as the road bot unless another token is given."""
    headers = {"PRIVATE-TOKEN": token or sandbox.tokens.road}
    return httpx2.Client(base_url=f"{sandbox.gitlab_url}/api/v4", headers=headers)


def jira_client(sandbox: Sandbox) -> httpx2.Client:
    """A client of Jira's API."""
    account = (sandbox.tokens.jira_email, sandbox.tokens.jira)
    return httpx2.Client(base_url=f"{sandbox.jira_url}/rest/api/3", auth=account)


def adf(text: str) -> Document:
    """An Atlassian document of one paragraph."""
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


class Copy:
    """A clone of shop/checkout, made over HTTP with a token."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, token: str | None = None, project: str = "shop/checkout"
    ) -> None:
        secret = token or sandbox.tokens.road
        self.address = sandbox.gitlab_url.replace("://", f"://any:{secret}@") + f"/{project}.git"
        self.folder = folder
        self.git("clone", "-q", self.address, str(folder), inside=False)

    def git(self, *args: str, inside: bool = True, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run git there; `check` fails the test when git fails."""
        where = ["-C", str(self.folder)] if inside else []
        name = ["-c", "user.name=Agent Smith", "-c", "user.email=agt_fixer@agents.invalid"]
        done = subprocess.run(
            ["git", *where, *name, *args],
            capture_output=True,
            text=True,
            check=False,
            env=clean_environment(),
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def commit(self, branch: str, files: dict[str, str], message: str = "Change something") -> str:
        """A commit on a local branch, made from wherever the copy stands when the branch is new."""
        if self.git("checkout", "-q", branch, check=False).returncode:
            self.git("checkout", "-q", "-b", branch)
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *refs: str, force: bool = False) -> subprocess.CompletedProcess[str]:
        """Push; the caller looks at the result."""
        return self.git("push", *(["--force"] if force else []), "origin", *refs, check=False)

    def publish(self, branch: str, files: dict[str, str], message: str = "Change something") -> str:
        """Commit on a branch and push it."""
        head = self.commit(branch, files, message)
        assert self.push(branch).returncode == 0
        return head


def open_request(client: httpx2.Client, branch: str, **more: Any) -> Document:
    """Open a merge request of a branch into main."""
    body = {"source_branch": branch, "target_branch": "main", "title": "Change something"} | more
    answer = client.post(f"{CHECKOUT}/merge_requests", json=body)
    assert answer.status_code == 201, answer.text
    made: Document = answer.json()
    return made
