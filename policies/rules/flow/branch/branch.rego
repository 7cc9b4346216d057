# METADATA
# title: Branch outside the agent's own
# description: |
#   An agent writes only branches that begin with its prefix, and its merge requests go from there, in the same
#   project, into the branches that take them. Writing to `main` directly is always refused.
# custom:
#   code: FLOW-003
#   severity: medium
#   remediation: Use a branch that begins with the agent's prefix, and open a merge request into an allowed branch.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [AC-6]
#   owner: platform
package rules.flow.branch

import data.lib.facts
import data.lib.names

findings contains {
	"code": "FLOW-003",
	"effect": "deny",
	"facts": {"branch": branch, "prefix": prefix},
} if {
	facts.present("branch")
	not _indirect
	not _own_branch
	branch := facts.at(["branch", "name"])
	prefix := facts.at(["agent", "branch_prefix"])
}

findings contains {
	"code": "FLOW-003",
	"effect": "deny",
	"facts": {"branch": branch, "prefix": prefix},
} if {
	facts.action_type == "merge_request.open"
	not _own_source
	branch := facts.at(["merge_request", "source_branch"])
	prefix := facts.at(["agent", "branch_prefix"])
}

findings contains {
	"code": "FLOW-003",
	"effect": "deny",
	"facts": {"target": target, "targets": targets},
} if {
	facts.action_type in {"merge_request.open", "merge_request.merge"}
	not _well_aimed
	target := facts.at(["merge_request", "target_branch"])
	targets := facts.words("FLOW-003", "targets")
}

# These write no branch themselves; where they lead is judged below and by their own rules.
_indirect if facts.action_type in {"merge_request.open", "merge_request.merge", "merge_request.comment", "deployment.rollback"}

_own_branch if {
	facts.at(["branch", "protected"]) == false
	facts.at(["branch", "default"]) == false
	branch := facts.at(["branch", "name"])
	_prefixed(branch)
}

_own_source if {
	branch := facts.at(["merge_request", "source_branch"])
	_prefixed(branch)
}

_well_aimed if {
	target := facts.at(["merge_request", "target_branch"])
	targets := facts.words("FLOW-003", "targets")
	names.surely_matches(target, targets)
	source := facts.at(["merge_request", "source_project_id"])
	is_string(source)
	facts.at(["merge_request", "target_project_id"]) == source
}

_prefixed(branch) if {
	is_string(branch)
	prefix := facts.at(["agent", "branch_prefix"])
	is_string(prefix)
	prefix != ""
	startswith(branch, prefix)
}
