"""`python -m gateway.sandbox --folder DIR --gitlab-port N --jira-port M --auto`: the sandbox as a process."""

import argparse
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from gateway.sandbox.server import Ports, Sandbox


def main() -> None:
    """Serve until interrupted; the first line printed is JSON with the URLs and tokens."""
    parser = argparse.ArgumentParser(prog="python -m gateway.sandbox", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, required=True, help="an empty folder for the bare repositories"
    )
    parser.add_argument("--gitlab-port", type=int, default=0)
    parser.add_argument("--jira-port", type=int, default=0)
    parser.add_argument("--auto", action="store_true", help="pipelines move on by themselves")
    given = parser.parse_args()
    wanted = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    sandbox = Sandbox(given.folder, ports=Ports(given.gitlab_port, given.jira_port), auto=given.auto)
    try:
        sandbox.start()
    except (ValueError, OSError) as error:
        parser.error(str(error))
    _announce(sandbox)
    signal.sigwait(wanted)
    sandbox.stop()


def _announce(sandbox: Sandbox) -> None:
    ready = {
        "gitlab_url": sandbox.gitlab_url,
        "jira_url": sandbox.jira_url,
        "tokens": asdict(sandbox.tokens),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
