# loses diff.paths of commit

# METADATA
# title: Nothing collected from a list that may be missing
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-051
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.nothing_collected

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-051", "effect": "deny", "facts": {}} if {
	changes.written
	not _clean
}

_clean if {
	is_array(facts.at(["diff", "paths"]))
	_bad == set()
}

_bad contains path if {
	some path in facts.listed(["diff", "paths"])
	startswith(path, "secrets/")
}
