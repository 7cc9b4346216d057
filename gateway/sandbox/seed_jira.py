"""The demo world of the Jira: the project SHOP with one open issue, and a project nobody of ours sees."""

from gateway.sandbox.jira.adf import paragraph
from gateway.sandbox.jira.site import Site
from gateway.sandbox.seed import Tokens


def seed_site(site: Site, tokens: Tokens) -> None:
    """Build the demo world in an empty site."""
    integration = site.add_account(
        "integration-1", "gitlab@sandbox.invalid", "GitLab for Jira", "sandbox-integration"
    )
    ours = site.add_account("account-loopgate", tokens.jira_email, "Loopgate", tokens.jira)
    maya = site.add_account("account-maya", "maya@sandbox.invalid", "Maya Lind", "sandbox-maya-jira-token")
    shop = site.add_project("SHOP", "Shop", (integration, ours, maya))
    ops = site.add_project("OPS", "Operations", (maya,))
    for project, summary in ((shop, "Customers cannot pay with vouchers"), (ops, "Rotate the backup keys")):
        issue = site.add_issue(project, summary, "10001", maya)
        issue.description = paragraph("Reported by support.")
        site.reindex(issue)
