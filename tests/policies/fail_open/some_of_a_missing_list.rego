# loses diff.paths of commit

# METADATA
# title: Some element of a list that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-049
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.some_of_a_missing_list

import data.lib.facts

findings contains {"code": "DEMO-049", "effect": "deny", "facts": {}} if {
	some path in facts.listed(["diff", "paths"]) # caught by contract: GATE-002
	startswith(path, "secrets/")
}
