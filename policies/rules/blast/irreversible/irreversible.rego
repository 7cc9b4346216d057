# METADATA
# title: Irreversible operation
# description: |
#   The change holds signs of something no revert brings back: dropped tables, deleted volumes, a protection switched
#   off. Two people approve it, a data owner and a site reliability engineer among them.
# custom:
#   code: BLAST-006
#   severity: critical
#   remediation: Take the operation out of the change, or ask a data owner and an SRE; nothing brings back what is lost.
#   retry: needs_approval
#   binding: state
#   bound_facts: [signals]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CP-9, A.8.13]
#   owner: platform
package rules.blast.irreversible

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-006",
	"effect": "require_approval",
	"facts": {"signals": signals},
	"clauses": [
		{"count": 2, "any_of_roles": ["data-owner", "sre"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["data-owner"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
	],
} if {
	changes.effective
	not _reversible
	signals := facts.listed(["blast", "irreversible"])
}

_reversible if facts.at(["blast", "irreversible"]) == []
