# METADATA
# title: A head that holds a fact which may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-017
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.head_with_a_fact

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "DEMO-017",
	"effect": "deny",
	"facts": {"branch": branch},
} if {
	changes.written
	branch := facts.at(["branch", "name"])
}
