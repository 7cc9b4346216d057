# METADATA
# title: Facts
# description: |
#   How a rule reads its input, its parameters and the agent's tier. Every function here is total: a missing
#   fact is null, never undefined, so that a rule which needs proof of safety fires when the proof is missing.
package lib.facts

# METADATA
# description: The fact at a path of the input, null where it is missing.
at(path) := object.get(input, path, null)

# METADATA
# description: The list at a path; anything that is not a list gives the empty list. Only for naming things in a head.
listed(path) := value if {
	value := at(path)
	is_array(value)
} else := []

# METADATA
# description: The action's type, null where it is missing.
action_type := at(["action", "type"])

# METADATA
# description: The agent's trust tier, null where it is missing.
tier := at(["agent", "tier"])

# METADATA
# description: Whether a section of facts is there at all. The contract says which action types must have it.
present(section) if {
	value := at([section])
	value != null
}

# METADATA
# description: Which of the two values of a tiered parameter counts. Only a known high tier gets the high one.
default step := "low"

step := "high" if tier in {"maintainer", "steward"}

# METADATA
# description: A parameter of a rule from data.params, null where it is missing.
default param(_, _) := null

param(code, name) := value if value := data.params[code][name]

# METADATA
# description: A parameter that may differ by tier ({low, high}), null where it is missing.
limit(code, name) := object.get(value, [step], null) if {
	value := param(code, name)
	is_object(value)
} else := param(code, name)

# METADATA
# description: A parameter that is a list of words or globs; the empty list where it is missing.
words(code, name) := value if {
	value := param(code, name)
	is_array(value)
} else := []

# METADATA
# description: Whether value is a number no greater than limit, which must be a number too (null < 5 is true in Rego).
within(value, limit_value) if {
	is_number(value)
	is_number(limit_value)
	value >= 0
	value <= limit_value
}

# METADATA
# description: |
#   Whether a path or name matches one of the globs; `*` stays inside one path segment, `**` does not. A line break
#   counts as a space: WASM's `**` does not match it, OPA's does.
matches(name, globs) if {
	is_string(name)
	is_array(globs)
	line := replace(name, "\n", " ")
	some pattern in globs
	is_string(pattern)
	glob.match(pattern, ["/"], line)
}

# METADATA
# description: The agent's id, null where it is missing.
agent := at(["agent", "id"])

# METADATA
# description: The time the gateway judges at, milliseconds since 1970 UTC; null where it is missing.
now_ms := at(["context", "now_ms"])

# METADATA
# description: What the action asks to be done to, as the gateway's own model names it. Null where it is missing.
project := at(["action", "project"])

# METADATA
# description: Where the action takes effect, in the form grants and exceptions use (a GitLab path, jira:KEY, loopgate).
default place := null

place := project if {
	at(["action", "system"]) == "gitlab"
	is_string(project)
}

place := $"jira:{project}" if {
	at(["action", "system"]) == "jira"
	is_string(project)
}

place := "loopgate" if at(["action", "system"]) == "loopgate"

# METADATA
# description: |
#   Every place the action touches: where it takes effect and, for a link, where the other issue is. One that cannot be
#   told is null, which no grant covers.
places contains place

places contains _linked if action_type == "issue.link"

default _linked := null

_linked := at(["action", "params", "project"]) if at(["action", "system"]) == "gitlab"

_linked := $"jira:{key}" if {
	at(["action", "system"]) == "jira"
	issue := at(["action", "params", "issue"])
	is_string(issue)
	key := split(issue, "-")[0]
	is_string(key)
}
