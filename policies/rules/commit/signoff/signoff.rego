# METADATA
# title: Commit without a sign-off
# description: |
#   Where the Developer Certificate of Origin is asked for, every commit is signed off by its author, with the line
#   `Signed-off-by:` and the author's own address.
# custom:
#   code: COMMIT-004
#   severity: low
#   remediation: Add `Signed-off-by:` with the author's own name and address to every commit (`git commit -s`).
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [SR-3]
#   owner: security
package rules.commit.signoff

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "COMMIT-004",
	"effect": "deny",
	"facts": {"commits": commits},
} if {
	_contributes
	not _optional
	not _all_signed_off
	commits := sort(_bare)
}

# A rollback undoes other people's commits; it contributes none of them.
_contributes if {
	changes.measured
	not _rolls_back
}

_rolls_back if facts.action_type == "deployment.rollback"

_optional if facts.param("COMMIT-004", "require_sign_off") == false

_all_signed_off if {
	is_array(facts.at(["commits"]))
	_bare == set()
}

_bare contains id if {
	some commit in facts.listed(["commits"])
	not _signed_off(commit)
	id := object.get(commit, ["id"], null)
}

_signed_off(commit) if object.get(commit, ["signed_off"], null) == true
