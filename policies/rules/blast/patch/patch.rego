# METADATA
# title: Size of the patch
# description: |
#   How many bytes a change adds and removes. A few very long lines pass every count of lines; this one they do not.
# custom:
#   code: BLAST-008
#   severity: medium
#   remediation: Split the change, or ask a service owner to approve it as it is.
#   retry: needs_approval
#   binding: state
#   bound_facts: [kib]
#   assurance: signed
#   chainable: true
#   waivable: true
#   controls: [CC8.1, A.8.32, CM-3]
#   owner: platform
package rules.blast.patch

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "BLAST-008",
	"effect": "require_approval",
	"facts": {"kib": kib, "limit": limit},
	"clauses": [{"count": 1, "any_of_roles": ["service-owner"], "assurance": "signed"}],
} if {
	changes.written
	kib := _kib
	limit := facts.limit("BLAST-008", "kib")
	not facts.within(kib, limit)
}

# Begun kibibytes count as whole ones.
default _kib := null

_kib := kib if {
	bytes := facts.at(["diff", "patch_bytes"])
	is_number(bytes)
	whole := bytes + 1023
	kib := (whole - (whole % 1024)) / 1024
}
