# METADATA
# title: A question that asks nobody
# description: A mistake that an author could make, or the same rule as it should be.
# custom:
#   code: DEMO-046
#   severity: low
#   remediation: Nothing to do.
#   retry: never
#   binding: state
#   controls: [CC8.1]
package rules.demo.question_to_nobody

import data.lib.changes

findings contains {"code": "DEMO-046", "effect": "require_approval", "facts": {}} if changes.written # caught by check: clauses belong to require_approval
