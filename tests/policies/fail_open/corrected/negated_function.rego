# METADATA
# title: A function of one's own under not, asked about the input
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-005
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.negated_function

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-005", "effect": "deny", "facts": {}} if {
	changes.written
	name := facts.at(["branch", "name"])
	not _known(name)
}

_known(name) if name == "main"
