# METADATA
# title: Deployment to production or staging
# description: |
#   Whatever deploys to an environment that is not on the list of harmless ones is approved by a release manager:
#   merges whose branch or pipeline deploys there, and rollbacks. Where a merge deploys is taken from the catalogue
#   and the jobs; what nobody can tell counts as production.
# custom:
#   code: DEPLOY-002
#   severity: high
#   remediation: Ask a release manager to approve.
#   retry: needs_approval
#   binding: state
#   bound_facts: [environments]
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [A.8.31]
#   owner: platform
package rules.deploy.production

import data.lib.facts
import data.lib.names

findings contains {
	"code": "DEPLOY-002",
	"effect": "require_approval",
	"facts": {"environments": environments},
	"clauses": [{"count": 1, "any_of_roles": ["release-manager"], "assurance": "signed"}],
} if {
	not _unguarded
	environments := sort(facts.listed(["deploys_to"]))
}

_unguarded if {
	environments := facts.at(["deploys_to"])
	is_array(environments)
	globs := facts.words("DEPLOY-002", "unguarded")
	every environment in environments {
		is_string(environment)
		names.surely_matches(lower(environment), globs)
	}
}
