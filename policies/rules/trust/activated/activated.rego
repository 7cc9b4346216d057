# METADATA
# title: Changing the policy
# description: |
#   Whoever changes the policy decides what everybody else may do, so nobody changes it alone: another person, who
#   neither proposed the change nor uploaded it, approves it. Going back to the policy of before may be approved by
#   those on duty as well. Break-glass never reduces this. Until the gateway is sealed, activating asks nobody.
# custom:
#   code: TRUST-004
#   severity: critical
#   remediation: Another person with one of the roles reads which files and data change, and votes.
#   retry: needs_approval
#   binding: state
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: false
#   controls: [CC8.1, CM-3, AC-5, A.8.32]
#   owner: platform
package rules.trust.activated

import data.lib.facts

findings contains {
	"code": "TRUST-004",
	"effect": "require_approval",
	"facts": {},
	"clauses": [{"count": 1, "any_of_roles": roles, "assurance": "signed"}],
} if {
	not _other
	roles := _roles
}

_other if {
	is_string(facts.action_type)
	facts.action_type != "policy.activate"
	facts.action_type != "policy.rollback"
}

_roles := ["operator", "platform", "security", "sre"] if facts.action_type == "policy.rollback"

else := ["platform", "security"]
