# METADATA
# title: A parameter read directly
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-031
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.direct_parameter

import data.lib.changes
import data.lib.facts

findings contains {"code": "DEMO-031", "effect": "deny", "facts": {}} if {
	changes.written
	not facts.param("DEMO-031", "on") == false
}
