# METADATA
# title: Pipeline variable that is not on the list
# description: |
#   Variables reach every job of a pipeline and change what it does. An agent may set only those that the platform team
#   has listed; values are never seen here.
# custom:
#   code: FLOW-005
#   severity: high
#   remediation: Leave the variable out, or ask the platform team to list it.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-5]
#   owner: platform
package rules.flow.variables

import data.lib.facts

findings contains {
	"code": "FLOW-005",
	"effect": "deny",
	"facts": {"variables": unlisted},
} if {
	facts.action_type == "pipeline.run"
	not _listed
	unlisted := sort([name | some name in facts.listed(["pipeline", "variables"]); not _allowed(name)])
}

_listed if {
	variables := facts.at(["pipeline", "variables"])
	is_array(variables)
	facts.at(["pipeline", "variables_total"]) == count(variables)
	every name in variables {
		_allowed(name)
	}
}

_allowed(name) if name in facts.words("FLOW-005", "allowed")
