# METADATA
# title: Every element of what may be no list
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-026
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.every_of_a_fact

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-026", "effect": "deny", "facts": {}} if {
	changes.written
	not _own
}

_own if {
	paths := facts.at(["diff", "paths"])
	every path in paths { # caught by check: holds when there is nothing
		startswith(path, "src/")
	}
}
