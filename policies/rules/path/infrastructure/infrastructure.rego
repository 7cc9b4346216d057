# METADATA
# title: Infrastructure and production manifests
# description: |
#   What describes machines, clusters and networks takes effect far beyond one service. Two people approve it, one of them
#   from operations. Which files these are is told by their names; a team adds its own globs.
# custom:
#   code: PATH-003
#   severity: high
#   remediation: Leave the infrastructure out of the change, or ask two people who run it to approve it.
#   retry: needs_approval
#   binding: state
#   bound_facts: [paths]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [A.8.31, CM-3]
#   owner: platform
package rules.path.infrastructure

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "PATH-003",
	"effect": "require_approval",
	"facts": {"paths": paths},
	"clauses": [
		{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
		{"count": 2, "any_of_roles": ["sre", "platform"], "assurance": "signed"},
	],
} if {
	changes.written
	not _clear
	paths := sort(_touched)
}

_clear if {
	is_array(facts.at(["diff", "kinds"]))
	is_array(_globs)
	_touched == set()
}

_globs := facts.param("PATH-003", "globs")

_touched contains path if {
	some entry in facts.listed(["diff", "kinds"])
	object.get(entry, ["kind"], null) == "infrastructure"
	path := object.get(entry, ["path"], null)
}

_touched contains path if {
	facts.words("PATH-003", "globs") != []
	some path in facts.listed(["diff", "paths"])
	names.may_match(path, _globs)
}
