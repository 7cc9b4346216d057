# METADATA
# title: Merge commit in the change
# description: |
#   Where the history is kept linear, no commit of a change has more than one parent.
# custom:
#   code: COMMIT-005
#   severity: low
#   remediation: Rebase the branch instead of merging into it.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [CM-3]
#   owner: platform
package rules.commit.linear

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "COMMIT-005",
	"effect": "deny",
	"facts": {"commits": commits},
} if {
	_contributes
	not _optional
	not _straight
	commits := sort(_merges)
}

# A rollback undoes other people's commits; it contributes none of them.
_contributes if {
	changes.measured
	not _rolls_back
}

_rolls_back if facts.action_type == "deployment.rollback"

_optional if facts.param("COMMIT-005", "require_linear") == false

_straight if {
	is_array(facts.at(["commits"]))
	_merges == set()
}

_merges contains id if {
	some commit in facts.listed(["commits"])
	parents := object.get(commit, ["parents"], null)
	not facts.within(parents, 1)
	id := object.get(commit, ["id"], null)
}
