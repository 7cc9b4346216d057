# METADATA
# title: The closed world of rules
# description: |
#   data.registry is written by the build from each rule's METADATA: code → {package, waivable}. A registered code
#   whose package is not loaded denies; so does a loaded package that is not registered, and so does the loss of a
#   rule that is named here, whatever the registry says.
package gate.registry

# METADATA
# description: Rules no data can remove, silence or waive.
floor := {"SECRET-001", "SOD-001", "TRUST-002", "TRUST-003", "TEXT-001"}

loaded contains name if {
	is_set(data.rules[team][rule].findings)
	name := concat(".", ["rules", team, rule])
}

# METADATA
# description: Everything every loaded rule answered, of whatever form.
answers contains answer if {
	some team, rule
	some answer in data.rules[team][rule].findings
}

# METADATA
# description: Code → package, of every entry of the registry that names one.
registered[code] := package_name if {
	some code, entry in data.registry
	package_name := entry.package
}

unloaded contains code if {
	some code, package_name in registered
	not package_name in loaded
}

unloaded contains code if {
	some code in floor
	codes := object.keys(registered)
	not code in codes
}

unloaded contains name if {
	some name in loaded
	not name in _packages
}

# Once for all of them, not once for each.
_packages := {package_name | some package_name in registered}

# METADATA
# description: Whether data may silence or waive a code; only what the registry calls waivable, never the gate itself.
default waivable(_) := false

waivable(code) if {
	data.registry[code].waivable == true
	not code in floor
	not startswith(code, "GATE-")
}
