# METADATA
# title: A fact read directly
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-029
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.direct_fact

import data.lib.facts

findings contains {"code": "DEMO-029", "effect": "deny", "facts": {}} if {
	facts.present("branch")
	not _open
}

_open if facts.at(["branch", "protected"]) == false
