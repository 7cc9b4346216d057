# METADATA
# title: Rollback over a migration
# description: |
#   Between the release that runs and the one to go back to lie files that changed the shape of data. The older code
#   may not understand the data as it is now, so a data owner and a site reliability engineer agree, two people at least.
# custom:
#   code: DEPLOY-003
#   severity: critical
#   remediation: Ask a data owner and an SRE, or mend it with a change that goes forward.
#   retry: needs_approval
#   binding: state
#   bound_facts: [migrations, migrations_total, truncated]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CP-10]
#   owner: platform
package rules.deploy.migrations

import data.lib.facts
import data.lib.names

findings contains {
	"code": "DEPLOY-003",
	"effect": "require_approval",
	"facts": {"migrations": migrations, "migrations_total": migrations_total, "truncated": truncated},
	"clauses": [
		{"count": 2, "any_of_roles": ["data-owner", "sre"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["data-owner"], "assurance": "signed"},
		{"count": 1, "any_of_roles": ["sre"], "assurance": "signed"},
	],
} if {
	facts.action_type == "deployment.rollback"
	not _clear
	crossed := sort(_crossed)
	migrations := array.slice(crossed, 0, _shown)
	migrations_total := count(crossed)
	truncated := facts.at(["diff", "truncated"])
}

# So many are named; the total says how many there are.
_shown := 20

_clear if {
	_globs != []
	facts.at(["diff", "truncated"]) == false
	paths := facts.at(["diff", "paths"])
	is_array(paths)
	_crossed == set()
}

_globs := facts.words("DEPLOY-003", "globs")

_crossed contains path if {
	facts.action_type == "deployment.rollback"
	some path in facts.listed(["diff", "paths"])
	names.may_match(_lowered(path), _globs)
}

# What is no text has no lower case; it stays what it is and may be anything.
_lowered(path) := lower(path) if is_string(path)

_lowered(path) := path if not is_string(path)
