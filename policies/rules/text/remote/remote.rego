# METADATA
# title: Text that loads or leads elsewhere
# description: |
#   A picture in a text is fetched by everybody who reads it, and its address can carry away what the agent has seen. A link
#   may lead people to a place that looks like another. Pictures from elsewhere are refused, links outside the list too.
# custom:
#   code: TEXT-004
#   severity: medium
#   remediation: Describe the picture in words, and link only to hosts that the platform team lists.
#   retry: fix_and_retry
#   binding: moment
#   bound_facts: []
#   assurance: signed
#   chainable: false
#   waivable: true
#   controls: [LLM02, SC-7]
#   owner: security
package rules.text.remote

import data.lib.facts
import data.lib.names

findings contains {
	"code": "TEXT-004",
	"effect": "deny",
	"facts": {"images": images, "links": hosts},
} if {
	not _stood_before
	not _stays
	images := sort(facts.listed(["text", "images"]))
	hosts := _strange
}

# Whatever a merge request says was judged when it was written; merging it shows it to nobody new.
_stood_before if facts.action_type == "merge_request.merge"

_stays if {
	facts.at(["text", "images"]) == []
	is_array(facts.at(["text", "links"]))
	_strange == []
}

_strange := [link | some link in facts.listed(["text", "links"]); not _listed(link)]

# A link fact is the field and the host; a field's name holds no colon.
_listed(link) if {
	is_string(link)
	host := substring(link, indexof(link, ": ") + 2, -1)
	names.surely_matches(host, facts.words("TEXT-004", "hosts"))
}
