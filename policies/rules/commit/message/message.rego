# METADATA
# title: Commit message that does not follow the pattern
# description: |
#   The first line of every commit matches each required pattern and none of the forbidden ones. Patterns are RE2 and match
#   anywhere in the line unless they are anchored.
# custom:
#   code: COMMIT-002
#   severity: low
#   remediation: Write the first line of every commit the way the project asks for.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: token
#   chainable: false
#   waivable: true
#   controls: [CM-3]
#   owner: platform
package rules.commit.message

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "COMMIT-002",
	"effect": "deny",
	"facts": {"commits": commits},
} if {
	_contributes
	not _free
	not _all_fit
	commits := sort(_unfit)
}

# A rollback undoes other people's commits; it contributes none of them.
_contributes if {
	changes.measured
	not _rolls_back
}

_rolls_back if facts.action_type == "deployment.rollback"

_required := facts.param("COMMIT-002", "required")

_forbidden := facts.param("COMMIT-002", "forbidden")

_free if {
	_required == []
	_forbidden == []
}

_all_fit if {
	is_array(facts.at(["commits"]))
	_readable(_required)
	_readable(_forbidden)
	_unfit == set()
}

_unfit contains id if {
	some commit in facts.listed(["commits"])
	not _fits(commit)
	id := object.get(commit, ["id"], null)
}

_fits(commit) if {
	subject := object.get(commit, ["subject"], null)
	is_string(subject)
	is_array(_required)
	is_array(_forbidden)
	every pattern in _required {
		regex.match(pattern, subject)
	}
	every pattern in _forbidden {
		not regex.match(pattern, subject)
	}
}

# A malformed pattern is false in one engine and undefined in the other; beside an empty alternative it is still
# malformed, while every other pattern then matches the empty text.
_readable(patterns) if {
	is_array(patterns)
	every pattern in patterns {
		alternative := concat("", [pattern, "|"])
		regex.match(alternative, "")
	}
}
