# METADATA
# title: Changes
# description: |
#   What an action does with the change it brings. A change is measured for more actions than write it: opening a
#   merge request writes nothing, and a rollback by redeployment runs an old job again. A pipeline, a job, a tag and the
#   deletion of a branch write nothing either, and what deploys nowhere takes no effect. Only these are let off.
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
	not _rehearses
}

# METADATA
# description: Whether the action writes the change into a repository.
default written := false

written if {
	effective
	not _redeploys
	not _points
}

_opens if facts.action_type in {"merge_request.open", "branch.delete"}

_rehearses if {
	facts.action_type in _running
	facts.at(["deploys_to"]) == []
}

_running := {"pipeline.run", "pipeline.retry", "job.play", "job.retry"}

_points if facts.action_type in (_running | {"tag.create", "tag.delete"})

_redeploys if {
	facts.action_type == "deployment.rollback"
	facts.at(["action", "params", "method"]) == "redeploy"
}
