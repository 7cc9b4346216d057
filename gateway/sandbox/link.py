"""The integration between the two: commits pushed to the GitLab act on the Jira's issues."""

from gateway.sandbox.git.commits import Commit
from gateway.sandbox.gitlab.closing import keys_closed_by
from gateway.sandbox.gitlab.entities import Project
from gateway.sandbox.gitlab.forge import Forge
from gateway.sandbox.jira.site import Site
from gateway.sandbox.jira.smart_commits import obey, transition_named
from gateway.sandbox.switches import Switches


def link_commits(forge: Forge, site: Site, switches: Switches) -> None:
    """Let every commit that arrives speak to Jira, as the account that seeded the site first."""
    integration = next(iter(site.accounts.values()))

    def smart(_: Project, commit: Commit) -> None:
        if switches.smart_commits:
            obey(site, commit.message, integration)

    def closing(_: Project, text: str) -> None:
        done = transition_named("done")
        for key in keys_closed_by(text) if switches.smart_commits else ():
            issue = site.find(key)
            if issue and done and issue.status != done.to:
                site.move(issue, done, integration)

    forge.commit_listeners.append(smart)
    forge.closing_listeners.append(closing)
