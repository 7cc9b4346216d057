# METADATA
# title: A setting that may not be there
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-040
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.settings_of_the_machine

import data.lib.facts

findings contains {"code": "DEMO-040", "effect": "deny", "facts": {}} if {
	not facts.param("DEMO-040", "freeze") == "off"
}
