# METADATA
# title: A fact whose name is misspelt, and so is always missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-035
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.misspelt_fact

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-035", "effect": "deny", "facts": {}} if {
	changes.written
	not _clean
}

_clean if {
	paths := facts.at(["diff", "paths"])
	is_array(paths)
	every path in paths {
		not startswith(path, "secrets/")
	}
}
