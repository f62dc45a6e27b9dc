# shellcheck shell=bash
# Completion of vringtop in bash. Verbs, options and the words that they take come from vringtop itself
# (`vringtop help --list`, `vringtop VERB --help`), so they are those of the installed version.
# Completion needs no privileges and attaches to nothing.

# The virtio devices, and the disks and interfaces behind them.
_vringtop_devices() {
	local path
	for path in /sys/bus/virtio/devices/virtio* /sys/bus/virtio/devices/virtio*/{block,net}/*; do
		[[ ! -e $path ]] || echo "${path##*/}"
	done
}

# Names of queues, from the names of their interrupts, because `vringtop queues` needs privileges and
# takes seconds. A queue that shares its interrupt has no name there; its index can be given instead.
_vringtop_queues() {
	sed -nE 's/.* virtio[0-9]+-([^ ]+)$/\1/p' /proc/interrupts 2>/dev/null |
		grep -vxE 'config|virtqueues'
}

_vringtop_drivers() {
	local path
	for path in /sys/bus/virtio/drivers/*; do
		[[ ! -e $path ]] || echo "${path##*/}"
	done
}

# The options of a verb, a line each: NAME, its letter or -, what it takes or -.
# _vringtop_options TOOL VERB
_vringtop_options() {
	"$1" "$2" --help 2>/dev/null |
		sed -nE 's/^ {2,6}(-(.), )?(-\?, )?--([a-z-]+)(\[?=([^ ]+))?( .*)?$/\4 \2- \6-/p' |
		sed -E 's/ ([^ ])- / \1 /; s/([^ ])-$/\1/'
}

# The words that an option takes: vringtop lists them when it gets a wrong word.
# _vringtop_words TOOL VERB OPTION
_vringtop_words() {
	"$1" "$2" "--$3=?" 2>&1 | sed -n 's/^ *There are: *//p' | tr ' ' '\n'
}

_vringtop() {
	local tool=$1 cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=top i
	local option='' name letter takes
	COMPREPLY=()
	if ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$tool" help --list 2>/dev/null) help" -- "$cur")
		return
	fi
	[[ ${COMP_WORDS[1]} == -* ]] || verb=${COMP_WORDS[1]}
	if [[ $verb == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$tool" help --list 2>/dev/null)" -- "$cur")
		return
	fi
	# After --: a command (record), or files (diff).
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] || continue
		if [[ $verb == record && $i -eq $((COMP_CWORD - 1)) ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		else
			compopt -o default 2>/dev/null
		fi
		return
	done

	# bash splits words at = and :
	if [[ $cur == = ]]; then
		option=$before cur=''
	elif [[ $before == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $before == : || $cur == : ]]; then
		# --ring DEVICE:QUEUE
		mapfile -t COMPREPLY < <(compgen -W "$(_vringtop_queues)" -- "${cur#:}")
		return
	elif [[ $before == -* ]]; then
		option=$before
	fi
	while read -r name letter takes; do
		[[ -n $option && $takes != - ]] || continue
		[[ $option == "--$name" || ($letter != - && $option == "-$letter") ]] || continue
		case $name in
		device | ring) mapfile -t COMPREPLY < <(compgen -W "$(_vringtop_devices)" -- "$cur") ;;
		driver) mapfile -t COMPREPLY < <(compgen -W "$(_vringtop_drivers)" -- "$cur") ;;
		queue) mapfile -t COMPREPLY < <(compgen -W "$(_vringtop_queues)" -- "$cur") ;;
		page | op)
			# Of a list, the last word.
			[[ $cur != *,* ]] || local list=${cur%,*},
			mapfile -t COMPREPLY < <(compgen -P "${list:-}" \
				-W "$(_vringtop_words "$tool" "$verb" "$name")" -- "${cur##*,}")
			;;
		*) [[ $takes != FILE ]] || compopt -o default 2>/dev/null ;;
		esac
		return
	done < <(_vringtop_options "$tool" "$verb")

	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(
			compgen -W "$(_vringtop_options "$tool" "$verb" | sed 's/^\([^ ]*\).*/--\1/')" -- "$cur"
		)
	elif [[ $verb == report || $verb == diff ]]; then
		compopt -o default 2>/dev/null
	fi
}
complete -F _vringtop vringtop
