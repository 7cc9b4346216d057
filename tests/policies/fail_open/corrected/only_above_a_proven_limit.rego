# loses diff.files_changed of commit

# METADATA
# title: Too many only where they were counted
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-052
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.only_above_a_proven_limit

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-052", "effect": "deny", "facts": {}} if {
	changes.written
	files := facts.at(["diff", "files_changed"])
	not facts.within(files, 20)
}
