# METADATA
# title: Changes
# description: |
#   What an action does with the change it brings. A change is measured for more actions than write it: opening a
#   merge request writes nothing, and a rollback by redeployment runs an old job again. Only these two are let off.
package lib.changes

import data.lib.facts

# METADATA
# description: Whether a change was measured for this action.
default measured := false

measured if facts.present("diff")

# METADATA
# description: Whether the change takes effect with this action, in a repository or in an environment.
default effective := false

effective if {
	measured
	not _opens
}

# METADATA
# description: Whether the action writes the change into a repository.
default written := false

written if {
	effective
	not _redeploys
}

_opens if facts.action_type == "merge_request.open"

_redeploys if {
	facts.action_type == "deployment.rollback"
	facts.at(["action", "params", "method"]) == "redeploy"
}
