# METADATA
# title: Services that depend on the touched ones
# description: |
#   A change of what many services stand on is approved by a service owner and by somebody who runs them. Every service
#   that depends on a touched one counts, directly or through others.
# custom:
#   code: BLAST-004
#   severity: high
#   remediation: Make the change where fewer services depend on it, or ask a service owner and the people on operations.
#   retry: needs_approval
#   binding: state
#   bound_facts: [dependants]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CC8.1, CM-4]
#   owner: platform
package rules.blast.dependants

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-004",
	"effect": "require_approval",
	"facts": {"dependants": total, "services": services, "limit": limit},
	"clauses": [
		{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
	],
} if {
	changes.written
	total := facts.at(["blast", "dependants_total"])
	limit := facts.limit("BLAST-004", "dependants")
	not facts.within(total, limit)
	services := sort({name | some entry in facts.listed(["blast", "dependants"]); name := object.get(entry, ["service"], null)})
}
