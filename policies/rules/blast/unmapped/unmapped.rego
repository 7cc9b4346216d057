# METADATA
# title: A path of no known service, or a change too large to measure
# description: |
#   What belongs to no service of the catalogue has no owner to ask, so the platform team answers for it. A change
#   that was too large to measure whole is refused: nobody can say how far it reaches.
# custom:
#   code: BLAST-007
#   severity: high
#   remediation: Add the paths to a service of the catalogue, or ask the platform team; split a change that was cut.
#   retry: fix_and_retry
#   binding: state
#   bound_facts: [unmapped]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-8]
#   owner: platform
package rules.blast.unmapped

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-007",
	"effect": "require_approval",
	"facts": {"unmapped": unmapped},
	"clauses": [{"count": 1, "any_of_roles": ["platform"], "assurance": "signed"}],
	"retry": "needs_approval",
} if {
	changes.written
	not _mapped
	unmapped := facts.listed(["blast", "unmapped"])
}

findings contains {
	"code": "BLAST-007",
	"effect": "deny",
	"facts": {"truncated": true},
} if {
	changes.measured
	not _whole
}

_mapped if facts.at(["blast", "unmapped"]) == []

_whole if {
	facts.at(["blast", "truncated"]) == false
	facts.at(["diff", "truncated"]) == false
}
