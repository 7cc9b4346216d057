# METADATA
# title: An independent person looks first
# description: |
#   A merge is approved by an owner of every service it touches, at the head that is merged; a rollback by whoever
#   answers for releases, for running services, or for a service. Neither may be the agent's owner or an author.
#   A rollback asks nobody in particular for the touched services: going back must not wait for one person.
# custom:
#   code: SOD-002
#   severity: high
#   remediation: Ask one of the people named by the ticket; the agent's owner and authors of the change do not count.
#   retry: needs_approval
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [AC-5, EU-AI-Act-14]
#   owner: security
package rules.sod.independent

import data.lib.facts

findings contains {
	"code": "SOD-002",
	"effect": "require_approval",
	"facts": {"services": services},
	"clauses": clauses,
} if {
	facts.action_type == "merge_request.merge"
	services := sort(facts.listed(["blast", "services"]))
	clauses := _clauses(services)
}

findings contains {
	"code": "SOD-002",
	"effect": "require_approval",
	"facts": {"environment": environment},
	"clauses": [{"count": 1, "any_of_roles": ["release-manager", "sre", "service-owner"], "assurance": "signed"}],
} if {
	facts.action_type == "deployment.rollback"
	environment := facts.at(["deployment", "environment"])
}

_clauses([]) := [{"count": 1, "any_of_roles": ["platform", "service-owner"], "assurance": "signed"}]

_clauses(services) := [clause |
	some service in services
	clause := {"count": 1, "any_of_roles": ["service-owner"], "for_service": service, "assurance": "signed"}
] if {
	services != []
}
