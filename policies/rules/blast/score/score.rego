# METADATA
# title: Blast score above the ceiling
# description: |
#   The score says how far a change reaches, 0 to 100: services and their dependants, how critical they are, where it
#   deploys, what cannot be undone. Above the ceiling of the agent's tier a person makes the change.
# custom:
#   code: BLAST-005
#   severity: high
#   remediation: Make the change smaller or let a person make it; the drivers in the ruling say what weighs most.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-4]
#   owner: platform
package rules.blast.score

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-005",
	"effect": "deny",
	"facts": {"score": score, "limit": limit},
} if {
	changes.effective
	score := facts.at(["blast", "score"])
	limit := facts.limit("BLAST-005", "score")
	not facts.within(score, limit)
}
