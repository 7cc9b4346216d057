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
	by := exceptions.for_code(finding.code)
	by != set()
	waiver := {"code": finding.code, "by": sort(by), "facts": finding.facts}
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

denials contains {"code": "GATE-001", "effect": "deny", "facts": grants.asked} if grants.held == set()

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

denials contains {"code": "GATE-003", "effect": "deny", "facts": {"codes": sort(registry.unloaded)}} if {
	registry.unloaded != set()
}

denials contains {"code": "GATE-003", "effect": "deny", "facts": {"malformed": count(malformed)}} if {
	malformed != set()
}

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
