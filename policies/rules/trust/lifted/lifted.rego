# METADATA
# title: Lifting a stop
# description: |
#   A stop is engaged by one operator and lifted by two, neither of whom asked for it: whoever pulled the brake, or
#   is in a hurry to go on, is not the one to say that it is safe. Break-glass never reduces this.
# custom:
#   code: TRUST-003
#   severity: critical
#   remediation: Two operators other than whoever asked read the ticket and vote; a third person asks.
#   retry: needs_approval
#   binding: state
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [AC-5, A.5.3, CC7.4]
#   owner: platform
package rules.trust.lifted

import data.lib.facts

findings contains {
	"code": "TRUST-003",
	"effect": "require_approval",
	"facts": {},
	"clauses": [{"count": 2, "any_of_roles": ["operator"], "assurance": "signed"}],
} if {
	not _other
}

_other if {
	is_string(facts.action_type)
	facts.action_type != "stop.lift"
}
