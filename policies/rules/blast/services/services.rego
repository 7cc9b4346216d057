# METADATA
# title: Services touched by one change
# description: |
#   A change that reaches into more services than its agent may touch alone is approved by an owner of each of them.
# custom:
#   code: BLAST-003
#   severity: high
#   remediation: Make one change per service, or ask an owner of every service named.
#   retry: needs_approval
#   binding: state
#   bound_facts: [services]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CC8.1, A.8.32, CM-3, LLM06]
#   owner: platform
package rules.blast.services

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-003",
	"effect": "require_approval",
	"facts": {"services": services, "limit": limit},
	"clauses": clauses,
} if {
	changes.written
	total := facts.at(["blast", "services_total"])
	limit := facts.limit("BLAST-003", "services")
	not facts.within(total, limit)
	services := facts.listed(["blast", "services"])
	clauses := [clause |
		some service in services
		clause := {"count": 1, "any_of_roles": ["service-owner"], "for_service": service, "assurance": "signed"}
	]
}
