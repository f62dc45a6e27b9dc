# shellcheck shell=bash
# What every script here shares: where things are, and how to speak. Sourced, never run.
# shellcheck disable=SC2034 # used by those who source it

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Kernels, virtme-ng and other things that are made once; safe to delete at any time.
cache=${VRINGTOP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vringtop}

# Progress and errors go to stderr: stdout belongs to what was asked for.
say() {
	printf '%s\n' "$*" >&2
}

# die WHAT-FAILED-WHY [WHAT-TO-DO]
die() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	[[ $# -lt 2 ]] || printf '%s: %s\n' "${0##*/}" "$2" >&2
	exit 1
}
