# METADATA
# title: Files in one change
# description: |
#   A change that touches many files is looked at by a service owner before it is written. Every push of a branch is
#   measured from where the branch began, so that twenty small pushes are one change.
# custom:
#   code: BLAST-001
#   severity: medium
#   remediation: Split the change, or ask a service owner to approve it as it is.
#   retry: needs_approval
#   binding: state
#   bound_facts: [files]
#   assurance: signed
#   chainable: true
#   waivable: true
#   controls: [CC8.1, A.8.32, CM-3]
#   owner: platform
package rules.blast.files

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-001",
	"effect": "require_approval",
	"facts": {"files": files, "limit": limit},
	"clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"}],
} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	limit := facts.limit("BLAST-001", "files")
	not facts.within(files, limit)
}
