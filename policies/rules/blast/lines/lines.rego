# METADATA
# title: Lines in one change
# description: |
#   A long change is looked at by a service owner before it is written: nobody reads a thousand lines well. Lines added
#   and lines removed both count, from where the branch began.
# custom:
#   code: BLAST-002
#   severity: medium
#   remediation: Split the change, or ask a service owner to approve it as it is.
#   retry: needs_approval
#   binding: state
#   bound_facts: [lines]
#   assurance: signed
#   chainable: true
#   waivable: true
#   controls: [CC8.1, A.8.32, CM-3]
#   owner: platform
package rules.blast.lines

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-002",
	"effect": "require_approval",
	"facts": {"lines": lines, "limit": limit},
	"clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"}],
} if {
	changes.written
	lines := facts.at(["blast", "lines"])
	limit := facts.limit("BLAST-002", "lines")
	not facts.within(lines, limit)
}
