# METADATA
# title: Agent suspended, or a stop in force
# description: |
#   A suspended agent does nothing. A stop on everything, on this agent, on this project or on this type of action
#   holds for whatever is not started yet. What people have approved waits for the stop to be lifted, and is judged
#   again then; a suspension ends it.
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
	not _only_stopped
	status := facts.at(["agent", "status"])
	stops := sort(facts.listed(["stop", "matching"]))
}

findings contains {
	"code": "TRUST-002",
	"effect": "deny",
	"facts": {"status": status, "stops": stops},
	"retry": "wait_until",
} if {
	_only_stopped
	status := facts.at(["agent", "status"])
	stops := sort(facts.listed(["stop", "matching"]))
}

_free if {
	facts.at(["agent", "status"]) == "active"
	facts.at(["stop", "engaged"]) == false
	facts.at(["stop", "matching"]) == []
}

_only_stopped if {
	facts.at(["agent", "status"]) == "active"
	facts.at(["stop", "engaged"]) == true
	facts.listed(["stop", "matching"]) != []
}
