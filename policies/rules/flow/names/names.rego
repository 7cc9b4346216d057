# METADATA
# title: Branch name of another form
# description: |
#   A branch that an agent makes, writes or opens a merge request from is named as the house names its branches. The
#   pattern is RE2's; an empty one lets every name be.
# custom:
#   code: FLOW-007
#   severity: low
#   remediation: Use a branch whose name has the form that the facts show.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [CC8.1]
#   owner: platform
package rules.flow.names

import data.lib.facts

findings contains {
	"code": "FLOW-007",
	"effect": "deny",
	"facts": {"branch": branch, "pattern": pattern},
} if {
	_known
	not _named
	branch := _branch
	pattern := facts.param("FLOW-007", "pattern")
}

_writing := {"branch.create", "commit.create", "commit.revert", "commit.cherry_pick"}

# A group that could not be read at all is the contract's to refuse, which says when to come back.
_known if {
	facts.action_type in _writing
	facts.present("branch")
}

_known if {
	facts.action_type == "merge_request.open"
	facts.present("merge_request")
}

_branch := facts.at(["branch", "name"]) if {
	facts.action_type in _writing
} else := facts.at(["merge_request", "source_branch"])

_named if {
	branch := _branch
	pattern := facts.param("FLOW-007", "pattern")
	is_string(branch)
	is_string(pattern)
	regex.match(pattern, branch)
}
