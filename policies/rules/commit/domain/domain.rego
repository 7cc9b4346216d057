# METADATA
# title: Author's address outside the allowed domains
# description: |
#   Every commit's author has an address of a domain that the project allows. Only the domain is looked at; the address
#   itself never reaches the policy.
# custom:
#   code: COMMIT-003
#   severity: medium
#   remediation: Make the commits with an address of an allowed domain.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [AC-6, A.8.4]
#   owner: security
package rules.commit.domain

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "COMMIT-003",
	"effect": "deny",
	"facts": {"commits": commits, "domains": domains},
} if {
	_contributes
	not _free
	not _all_allowed
	commits := sort(_strange)
	domains := facts.words("COMMIT-003", "domains")
}

# A rollback undoes other people's commits; it contributes none of them.
_contributes if {
	changes.measured
	not _rolls_back
}

_rolls_back if facts.action_type == "deployment.rollback"

_free if facts.param("COMMIT-003", "domains") == ["**"]

_all_allowed if {
	is_array(facts.at(["commits"]))
	_strange == set()
}

_strange contains id if {
	some commit in facts.listed(["commits"])
	domain := object.get(commit, ["domain"], null)
	domains := facts.words("COMMIT-003", "domains")
	not names.surely_matches(domain, domains)
	id := object.get(commit, ["id"], null)
}
