# METADATA
# title: Untrusted words before a consequential action
# description: |
#   What an agent reads may tell it what to do. Once it has read what somebody else wrote, as it said itself or as the
#   gateway served it, a person looks at what matters before it happens. Words are never looked at here, only where they
#   come from.
# custom:
#   code: TRUST-001
#   severity: high
#   remediation: Nothing to mend; a person looks at it. Say in the intent what the change is for.
#   retry: needs_approval
#   binding: state
#   bound_facts: [kinds]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [LLM01]
#   owner: platform
package rules.trust.sources

import data.lib.facts

findings contains {
	"code": "TRUST-001",
	"effect": "require_approval",
	"facts": {"kinds": kinds},
	"clauses": [{"count": 1, "any_of_roles": roles, "assurance": "signed"}],
} if {
	not _harmless
	not _clean
	kinds := sort(_kinds)
	roles := facts.words("TRUST-001", "roles")
}

_harmless if facts.at(["action", "consequential"]) == false

_harmless if {
	actions := facts.param("TRUST-001", "actions")
	is_array(actions)
	type := facts.action_type
	is_string(type)
	not type in actions
}

_clean if {
	sources := facts.at(["context", "sources"])
	is_array(sources)
	facts.at(["context", "sources_total"]) == count(sources)
	_recorded(sources)
	every source in sources {
		object.get(source, ["trust"], null) == "trusted"
	}
}

_recorded(sources) if sources != []

_recorded(_) if facts.param("TRUST-001", "no_record") == "ignored"

_kinds contains kind if {
	some source in facts.listed(["context", "sources"])
	not _trusted(source)
	kind := object.get(source, ["kind"], null)
}

_trusted(source) if object.get(source, ["trust"], null) == "trusted"
