# METADATA
# title: "A list with a fact that may be missing: then there is no list"
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-019
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.literal_list

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-019", "effect": "deny", "facts": {}} if {
	changes.written
	branch := facts.at(["branch", "name"])
	names := [branch, "main"]
	"main" in names
}
