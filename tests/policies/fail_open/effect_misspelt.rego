# METADATA
# title: An effect that no gate knows
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-045
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.effect_misspelt

import data.lib.changes

findings contains {"code": "DEMO-045", "effect": "denied", "facts": {}} if changes.written # caught by check: denied is no effect
