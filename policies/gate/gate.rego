# METADATA
# title: The gate
# description: |
#   Composes what every team's rules found into one decision. Teams can only tighten: their findings are
#   added up, and only a grant permits. Deny beats require_approval beats allow; the default is deny.
package gate

import data.gate.contract
import data.gate.exceptions
import data.gate.grants
import data.gate.modes
import data.gate.registry

# METADATA
# title: The decision document
# entrypoint: true
decision := {
	"effect": effect,
	"findings": sort(denials | questions),
	"waived": sort(waived),
	"shadow": sort(shadow),
	"warnings": sort(warnings),
	"grants": sort(grants.held),
	"reserve": sort(grants.reserve),
	"missing": sort(contract.missing),
}

default effect := "deny"

effect := "allow" if {
	denials == set()
	questions == set()
	grants.held != set()
}

effect := "require_approval" if {
	denials == set()
	questions != set()
	grants.held != set()
}

# METADATA
# description: Every finding of every loaded rule whose answer has the form of a finding.
reported contains finding if {
	some finding in registry.answers
	_whole(finding)
}

waived contains waiver if {
	some finding in reported
	code := finding.code
	shown := finding.facts
	by := exceptions.for_code(code)
	by != set()
	waiver := {"code": code, "by": sort(by), "facts": shown}
}

shadow contains finding if {
	some finding in reported
	modes.mode(finding.code) == "shadow"
	exceptions.for_code(finding.code) == set()
}

# METADATA
# description: What counts. A finding is left out only by a proven exception or a proven mode.
enforced contains finding if {
	some finding in reported
	modes.mode(finding.code) == "enforce"
	exceptions.for_code(finding.code) == set()
}

warnings contains finding if {
	some finding in enforced
	finding.effect == "warn"
}

questions contains finding if {
	some finding in enforced
	finding.effect == "require_approval"
}

denials contains finding if {
	some finding in enforced
	finding.effect == "deny"
}

# METADATA
# title: No grant covers the action
# description: Only a grant permits; this agent holds none for what it asks here.
# custom:
#   code: GATE-001
#   severity: high
#   remediation: Ask the platform team for a grant that covers this type of action in this project, and in the other one of a link.
#   retry: never
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: false
#   controls: [CC6.1, A.5.15, AC-6, LLM06]
#   owner: platform
denials contains {"code": "GATE-001", "effect": "deny", "facts": grants.asked} if grants.held == set()

# METADATA
# title: Facts are missing
# description: A fact that the contract asks for could not be read or has the wrong form.
# custom:
#   code: GATE-002
#   severity: critical
#   remediation: Look at the facts named; try again when the system that knows them answers.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: false
#   controls: [CC7.1, SI-10]
#   owner: platform
denials contains {"code": "GATE-002", "effect": "deny", "facts": {"missing": sort(contract.missing)}} if {
	contract.missing != set()
	not contract.awaited
}

denials contains {
	"code": "GATE-002",
	"effect": "deny",
	"facts": {"missing": sort(contract.missing)},
	"retry": "wait_until",
	"until_ms": contract.until_ms,
} if {
	contract.missing != set()
	contract.awaited
}

# METADATA
# title: A rule is not loaded
# description: A registered rule is absent, an unregistered one is present, or one answers in a form nobody knows.
# custom:
#   code: GATE-003
#   severity: critical
#   remediation: Tell the platform team; build the policy again with every rule in place.
#   retry: never
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: false
#   controls: [CC8.1, CM-3]
#   owner: platform
denials contains {"code": "GATE-003", "effect": "deny", "facts": {"codes": sort(registry.unloaded)}} if {
	registry.unloaded != set()
}

denials contains {"code": "GATE-003", "effect": "deny", "facts": {"malformed": count(malformed)}} if {
	malformed != set()
}

# METADATA
# title: No contract for this type of action
# description: The type is unknown to the contract of facts, or this version cannot perform it.
# custom:
#   code: GATE-004
#   severity: critical
#   remediation: Use a type of action that `GET /v1/me` lists.
#   retry: never
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: false
#   controls: [CC7.1, SI-10]
#   owner: platform
denials contains {"code": "GATE-004", "effect": "deny", "facts": contract.asked} if {
	not contract.known
}

# METADATA
# description: Answers in no known form. A rule nobody can read is a rule that is not loaded.
malformed contains answer if {
	some answer in registry.answers
	not _whole(answer)
}

_whole(finding) if {
	is_string(finding.code)
	is_object(finding.facts)
	object.keys(finding) - {"code", "effect", "facts", "clauses", "retry", "until_ms"} == set()
	_asks(finding)
}

_asks(finding) if {
	finding.effect in {"deny", "warn"}
	object.get(finding, ["clauses"], []) == []
}

_asks(finding) if {
	finding.effect == "require_approval"
	is_array(finding.clauses)
	finding.clauses != []
	every clause in finding.clauses {
		_clause(clause)
	}
}

_clause(clause) if {
	is_number(clause.count)
	clause.count >= 1
	is_array(clause.any_of_roles)
	clause.any_of_roles != []
	clause.assurance in {"token", "signed", "webauthn"}
	object.keys(clause) - {"count", "any_of_roles", "assurance", "for_service"} == set()
}
