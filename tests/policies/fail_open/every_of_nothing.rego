# METADATA
# title: Every element of a list that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-025
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.every_of_nothing

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-025", "effect": "deny", "facts": {}} if {
	changes.written
	not _own
}

_own if {
	every path in facts.listed(["diff", "paths"]) { # caught by check: holds when there is nothing
		startswith(path, "src/")
	}
}
