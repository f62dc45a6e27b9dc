# shellcheck shell=bash
# What tests read in manual pages. Sourced.

# page_examples PAGE...: the commands of its section EXAMPLES, a line each
page_examples() {
	sed -n '/^\.SH EXAMPLES/,/^\.SH [^E]/{/^\.EX/,/^\.EE/{/^\.E[XE]/!p}}' "$@" |
		sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\e/\\/g; s/^\\&//'
}
