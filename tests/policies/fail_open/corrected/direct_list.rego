# METADATA
# title: A list read directly
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-030
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.direct_list

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-030", "effect": "deny", "facts": {}} if {
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
