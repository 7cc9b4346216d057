# METADATA
# title: None counted in a list that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-028
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.none_counted

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-028", "effect": "deny", "facts": {}} if {
	changes.written
	not _clean
}

_clean if count(facts.listed(["diff", "secrets"])) == 0 # caught by check: no proof of none
