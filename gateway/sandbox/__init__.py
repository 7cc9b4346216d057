"""A GitLab and a Jira for one machine: a stand-in that speaks the vendors' wire formats."""
