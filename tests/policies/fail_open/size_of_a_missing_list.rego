# loses diff.paths of commit

# METADATA
# title: The size of a list that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-050
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.size_of_a_missing_list

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-050", "effect": "deny", "facts": {}} if {
	changes.written
	count(facts.listed(["diff", "paths"])) > 50 # caught by contract: GATE-002
}
