# METADATA
# title: Agent suspended, or a stop in force
# description: |
#   A suspended agent does nothing. A stop on everything, on this agent, on this project or on this type of action
#   holds for whatever is not started yet.
# custom:
#   code: TRUST-002
#   severity: critical
#   remediation: Ask an operator why the stop or suspension is in force; propose the action again once it is lifted.
#   retry: never
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [AC-2, A.5.18]
#   owner: platform
package rules.trust.stopped

import data.lib.facts

findings contains {
	"code": "TRUST-002",
	"effect": "deny",
	"facts": {"status": status, "stops": stops},
} if {
	not _free
	status := facts.at(["agent", "status"])
	stops := sort(facts.listed(["stop", "matching"]))
}

_free if {
	facts.at(["agent", "status"]) == "active"
	facts.at(["stop", "engaged"]) == false
	facts.at(["stop", "matching"]) == []
}
