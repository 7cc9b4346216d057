# METADATA
# title: Freeze
# description: |
#   While a freeze is on for a project, nothing consequential happens there; an action that was approved waits and
#   keeps its approval. A clock that disagrees with the log cannot tell, so it counts as frozen.
# custom:
#   code: TIME-001
#   severity: high
#   remediation: Wait until the freeze is over, or ask the platform team for an exception with a ticket.
#   retry: wait_until
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CC8.1]
#   owner: platform
package rules.time.freeze

import data.lib.facts
import data.lib.names

findings contains {
	"code": "TIME-001",
	"effect": "deny",
	"facts": {"freeze": id},
	"retry": "wait_until",
	"until_ms": until_ms,
} if {
	not _harmless
	some freeze in data.freezes
	not _outside(freeze)
	id := object.get(freeze, ["id"], null)
	until_ms := object.get(freeze, ["ends_ms"], null)
}

findings contains {
	"code": "TIME-001",
	"effect": "deny",
	"facts": {"clock_ok": false},
	"retry": "wait_until",
	"until_ms": null,
} if {
	not _harmless
	not _clock_ok
}

_harmless if facts.at(["action", "consequential"]) == false

_harmless if facts.action_type in facts.words("TIME-001", "allowed")

_clock_ok if facts.at(["context", "clock_ok"]) == true

_outside(freeze) if {
	is_number(facts.now_ms)
	is_number(freeze.starts_ms)
	facts.now_ms < freeze.starts_ms
}

_outside(freeze) if {
	is_number(facts.now_ms)
	is_number(freeze.ends_ms)
	facts.now_ms >= freeze.ends_ms
}

_outside(freeze) if {
	place := facts.place
	projects := freeze.projects
	is_array(projects)
	not names.may_match(place, projects)
}
