# METADATA
# title: The contract of facts
# description: |
#   Which facts an action type must bring, and of which type every fact must be. data.contract.needs is written by
#   people (action type → groups that may not be null). fields, items, totals and plain are written by the build from
#   the model of the policy input, and count themselves. A missing or mistyped fact denies.
package gate.contract

import data.lib.facts

# METADATA
# description: The action's type as asked, for the refusal.
asked := {"type": facts.action_type, "supported": facts.at(["action", "supported"])}

# METADATA
# description: Whether the contract is whole and knows the action's type, and this version can perform it.
known if {
	is_string(facts.action_type)
	is_array(data.contract.needs[facts.action_type])
	facts.at(["action", "supported"]) == true
	_whole
}

_whole if {
	is_number(data.contract.total)
	data.contract.total > 0
	data.contract.total == sum([count(data.contract[part]) | some part in ["fields", "items", "totals", "plain"]])
}

# METADATA
# description: The paths of facts that are missing, mistyped, or known to the gateway as unreadable.
missing contains group if {
	some group in data.contract.needs[facts.action_type]
	facts.at([group]) == null
}

missing contains name if {
	some field in data.contract.fields
	_applies(field)
	value := object.get(input, field.path, set())
	not _typed(field, value)
	name := concat(".", field.path)
}

missing contains name if {
	some field in data.contract.items
	some element in facts.at(field.path)
	value := _part(field, element)
	not _typed(field, value)
	name := concat(".", array.concat(field.path, ["*"]))
}

missing contains name if {
	some entry in data.contract.totals
	total := facts.at(entry.total)
	counted := sum([count(facts.listed(path)) | some path in entry.lists])
	not _adds_up(entry, counted, total)
	name := concat(".", entry.total)
}

missing contains name if {
	some path in data.contract.plain
	words := facts.listed(path)
	regex.match(`[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]`, concat("", words))
	name := concat(".", path)
}

missing contains name if some name in reported

# METADATA
# description: What the gateway itself says it could not read.
reported contains name if {
	some entry in facts.listed(["missing"])
	name := object.get(entry, ["path"], "missing")
}

# METADATA
# description: Whether everything that is missing will be there later, so that waiting is the answer.
awaited if {
	missing - reported == set()
	entries := facts.at(["missing"])
	is_array(entries)
	every entry in entries {
		entry.retry == "wait_until"
	}
}

# METADATA
# description: When to come back, if every unreadable fact says so; null is "on the next change".
until_ms := latest if {
	times := [object.get(entry, ["until_ms"], null) | some entry in facts.listed(["missing"])]
	every time in times {
		is_number(time)
	}
	latest := max(times)
} else := null

# A field of a group that is null does not exist; whether the group may be null is a field of its own.
_applies(field) if not field.group

_applies(field) if {
	group := field.group
	value := object.get(input, [group], set())
	not value == null
}

# An element that is not an object has no parts; that it must be one is an item of its own.
_part(field, element) := element if not field.part

_part(field, element) := object.get(element, field.part, set()) if is_object(element)

_typed(field, value) if {
	type_name(value) in field.types
	_worded(field, value)
	_enough(field, value)
}

_worded(field, _) if not field.words

_worded(field, value) if value in field.words

_enough(field, _) if not field.least

_enough(_, value) if value == null

_enough(field, value) if {
	least := field.least
	is_number(least)
	is_number(value)
	value >= least
}

_adds_up(_, counted, total) if counted == total

_adds_up(entry, counted, total) if {
	counted == 0
	total == null
	lists := entry.lists
	is_array(lists)
	every path in lists {
		value := facts.at(path)
		value == null
	}
}
