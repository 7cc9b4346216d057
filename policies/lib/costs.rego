# METADATA
# title: Costs
# description: |
#   How much of a budget an action draws. Minutes of CI are jobs times the seconds a job usually takes; where the gateway
#   could not count one of them, the policy's own parameter stands in, and without it the amount is unknown.
package lib.costs

import data.lib.facts

# METADATA
# description: The amount an action draws of a budget counted in this unit; null where it is unknown.
default amount(_) := null

amount("ci_minutes") := 0 if facts.at(["costs"]) == null

amount("ci_minutes") := 0 if facts.at(["costs", "pipelines"]) == 0

amount("ci_minutes") := minutes if {
	facts.at(["costs", "pipelines"]) == 1
	seconds := _jobs * _seconds
	whole := seconds + 59
	minutes := (whole - (whole % 60)) / 60
}

amount(unit) := 0 if {
	unit in {"pipelines", "bytes"}
	facts.at(["costs"]) == null
}

amount(unit) := value if {
	unit in {"pipelines", "bytes"}
	value := facts.at(["costs", unit])
	is_number(value)
}

_jobs := value if {
	value := facts.at(["costs", "ci_jobs"])
	is_number(value)
} else := value if {
	value := facts.param("RATE-004", "jobs")
	is_number(value)
}

_seconds := value if {
	value := facts.at(["costs", "job_seconds"])
	is_number(value)
} else := value if {
	value := facts.param("RATE-004", "job_seconds")
	is_number(value)
}
