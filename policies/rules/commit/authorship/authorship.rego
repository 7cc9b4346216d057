# METADATA
# title: Commits of somebody else, or unsigned
# description: |
#   Every commit of a change is by the agent that proposes it and committed by it or the gateway, with nobody written
#   in beside it: self-declared authorship must not choose who approves. Signatures are demanded where configured.
# custom:
#   code: COMMIT-001
#   severity: medium
#   remediation: Make the commits with the agent's own identity, without `Co-authored-by`, signed where that is asked.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [SI-7, A.8.4]
#   owner: security
package rules.commit.authorship

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "COMMIT-001",
	"effect": "deny",
	"facts": {"foreign": commits},
} if {
	_contributes
	not _all_own
	commits := sort(_foreign)
}

findings contains {
	"code": "COMMIT-001",
	"effect": "deny",
	"facts": {"unsigned": commits},
} if {
	_contributes
	not _signatures_optional
	not _all_signed
	commits := sort(_unsigned)
}

# A rollback undoes other people's commits; it contributes none of them.
_contributes if {
	changes.measured
	not _rolls_back
}

_rolls_back if facts.action_type == "deployment.rollback"

_all_own if {
	is_array(facts.at(["commits"]))
	_foreign == set()
}

_foreign contains id if {
	some commit in facts.listed(["commits"])
	not _own(commit)
	id := object.get(commit, ["id"], null)
}

_own(commit) if {
	object.get(commit, ["foreign"], null) == false
	object.get(commit, ["co_authors"], null) == 0
}

_signatures_optional if facts.param("COMMIT-001", "require_signature") == false

_all_signed if {
	is_array(facts.at(["commits"]))
	_unsigned == set()
}

_unsigned contains id if {
	some commit in facts.listed(["commits"])
	not _verified(commit)
	id := object.get(commit, ["id"], null)
}

_verified(commit) if object.get(commit, ["verified"], null) == true
