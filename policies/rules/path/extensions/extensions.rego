# METADATA
# title: File that does not belong into the repository
# description: |
#   Programs, archives and other built things cannot be reviewed as text. Their extensions are refused, and names that a
#   team's patterns forbid.
# custom:
#   code: PATH-007
#   severity: medium
#   remediation: Leave the built files out of the change; publish them where packages are kept.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [CM-3, SI-7]
#   owner: platform
package rules.path.extensions

import data.lib.changes
import data.lib.facts

findings contains {
	"code": "PATH-007",
	"effect": "deny",
	"facts": {"extensions": extensions, "paths": paths},
} if {
	changes.measured
	not _redeployed
	not _clear
	extensions := sort(_found)
	paths := sort(_misnamed)
}

# A redeployment writes no file, whatever lies between the two releases.
_redeployed if {
	not changes.written
	changes.effective
}

_clear if {
	is_array(facts.at(["diff", "extensions"]))
	is_array(facts.param("PATH-007", "forbidden"))
	is_array(facts.param("PATH-007", "names"))
	_found == set()
	_misnamed == set()
}

_found contains extension if {
	some extension in facts.listed(["diff", "extensions"])
	extension in facts.words("PATH-007", "forbidden")
}

_misnamed contains path if {
	patterns := facts.words("PATH-007", "names")
	patterns != []
	some path in facts.listed(["diff", "paths"])
	not _well_named(path, patterns)
}

_well_named(path, patterns) if {
	is_string(path)
	_readable
	is_array(patterns)
	every pattern in patterns {
		not regex.match(pattern, path)
	}
}

# A malformed pattern is false in one engine and undefined in the other; beside an empty alternative it is still
# malformed, while every other pattern then matches the empty text.
_readable if {
	patterns := facts.param("PATH-007", "names")
	is_array(patterns)
	every pattern in patterns {
		alternative := concat("", [pattern, "|"])
		regex.match(alternative, "")
	}
}
