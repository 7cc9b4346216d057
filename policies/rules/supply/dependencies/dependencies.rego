# METADATA
# title: New dependency
# description: |
#   A package that stands in a manifest now and did not before is code of strangers with the rights of ours. What is not on
#   the list of allowed ones is approved by security; so is a manifest of which nobody can tell what it adds. A package
#   from a repository, an address or a folder is another package than the one of that name in the registry.
# custom:
#   code: SUPPLY-002
#   severity: high
#   remediation: Do without the new dependency, or ask security to approve it.
#   retry: needs_approval
#   binding: state
#   bound_facts: [added, unread]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [SR-3, SR-11]
#   owner: security
package rules.supply.dependencies

import data.lib.changes
import data.lib.facts
import data.lib.names

findings contains {
	"code": "SUPPLY-002",
	"effect": "require_approval",
	"facts": {"added": added, "unread": unread},
	"clauses": [{"count": 1, "any_of_roles": ["security"], "assurance": "signed"}],
} if {
	changes.written
	not _clear
	added := sort(_strange)
	unread := sort(_unread)
}

_clear if {
	facts.at(["diff", "dependencies_added"]) == []
	facts.at(["diff", "manifests_unread"]) == []
}

_clear if {
	is_array(facts.at(["diff", "dependencies_added"]))
	is_array(facts.at(["diff", "manifests_unread"]))
	_strange == set()
	_unread == set()
}

_strange contains name if {
	some name in facts.listed(["diff", "dependencies_added"])
	allowed := facts.words("SUPPLY-002", "allowed")
	not names.surely_matches(name, allowed)
}

_unread contains path if {
	some path in facts.listed(["diff", "manifests_unread"])
	trusted := facts.words("SUPPLY-002", "unread")
	not names.surely_matches(path, trusted)
}
