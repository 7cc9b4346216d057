# METADATA
# title: Grants and what they cost
# description: |
#   Only a grant permits. data.grants maps a name to {tiers, actions, projects}; an agent holds the names the roster
#   gives it, inside the projects the roster gives it. data.budgets says what an allowed action reserves.
package gate.grants

import data.lib.costs
import data.lib.facts

# METADATA
# description: The agent's grants that cover this action, in every project it touches.
held contains name if {
	some name in facts.listed(["agent", "grants"])
	grant := data.grants[name]
	facts.tier in grant.tiers
	_covers(grant.actions)
	every touched in facts.places {
		facts.matches(touched, grant.projects)
		facts.matches(touched, facts.listed(["agent", "projects"]))
	}
}

# METADATA
# description: What was asked for, as the refusal names it.
asked := {"type": facts.action_type, "project": facts.place, "tier": facts.tier}

# METADATA
# description: |
#   The budgets the action draws on. A limit nobody set for the tier is 0, and then nothing fits. An amount nobody
#   could count is denied by RATE-004 and stands here as more than any limit.
reserve contains {"budget": name, "window": window, "amount": amount, "limit": limit} if {
	some budget in data.budgets
	_covers(budget.actions)
	name := budget.budget
	window := budget.window
	amount := _amount(budget)
	limit := _limit(budget)
}

_amount(budget) := 1 if object.get(budget, ["amount"], null) == null

_amount(budget) := value if {
	unit := object.get(budget, ["amount"], null)
	is_string(unit)
	value := costs.amount(unit)
	is_number(value)
}

_amount(budget) := 1000000000 if {
	unit := object.get(budget, ["amount"], null)
	is_string(unit)
	value := costs.amount(unit)
	value == null
}

_covers(patterns) if {
	some pattern in patterns
	glob.match(pattern, ["."], facts.action_type)
}

_limit(budget) := value if {
	value := object.get(budget.limit, [facts.step], null)
	is_number(value)
} else := 0
