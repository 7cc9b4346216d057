# METADATA
# title: Branch outside the agent's own
# description: |
#   An agent writes only branches that begin with its prefix, and its merge requests go from there, in the same
#   project, into the branches that take them. Writing to `main` directly is always refused. It changes and closes
#   its own merge requests only, and below the tier of a maintainer runs and stops the pipelines of its own branches only.
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
	facts.action_type in _on_own_requests
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

findings contains {
	"code": "FLOW-003",
	"effect": "deny",
	"facts": {"target": target, "targets": targets},
} if {
	facts.action_type == "merge_request.update"
	target := facts.at(["action", "params", "target"])
	target != null
	not _takes_requests(target)
	targets := facts.words("FLOW-003", "targets")
}

findings contains {
	"code": "FLOW-003",
	"effect": "deny",
	"facts": {"ref": ref, "prefix": prefix},
} if {
	facts.action_type in _running
	facts.step == "low"
	ref := _running_ref
	not _prefixed(ref)
	prefix := facts.at(["agent", "branch_prefix"])
}

_on_own_requests := {"merge_request.open", "merge_request.update", "merge_request.close", "merge_request.reopen"}

_running := {"pipeline.run", "pipeline.retry", "pipeline.cancel", "job.play", "job.retry", "job.cancel"}

default _running_ref := null

_running_ref := facts.at(["job", "ref"]) if facts.present("job")

_running_ref := facts.at(["pipeline", "ref"]) if {
	facts.present("pipeline")
	not facts.present("job")
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
	_takes_requests(target)
	source := facts.at(["merge_request", "source_project_id"])
	is_string(source)
	facts.at(["merge_request", "target_project_id"]) == source
}

_takes_requests(target) if {
	targets := facts.words("FLOW-003", "targets")
	names.surely_matches(target, targets)
}

_prefixed(branch) if {
	is_string(branch)
	prefix := facts.at(["agent", "branch_prefix"])
	is_string(prefix)
	prefix != ""
	startswith(branch, prefix)
}
