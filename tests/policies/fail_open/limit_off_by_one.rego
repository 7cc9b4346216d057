# METADATA
# title: A limit that nobody tried on both sides
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-053
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.limit_off_by_one

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-053", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not facts.within(files, 15) # caught by mutate: move a limit by one
}
