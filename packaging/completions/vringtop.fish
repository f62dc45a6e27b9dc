# Completion of vringtop in fish. Verbs, options and the words that they take come from vringtop itself
# (`vringtop --help`, `vringtop VERB --help`), so they are those of the installed version.
# Completion needs no privileges and attaches to nothing.

# The verb of the command line so far: top if there is none.
function __vringtop_verb
    set -l words (commandline -opc)
    if test (count $words) -ge 2; and not string match -q -- '-*' $words[2]
        echo $words[2]
    else
        echo top
    end
end

function __vringtop_needs_verb
    test (count (commandline -opc)) -eq 1
end

function __vringtop_verbs
    vringtop --help 2>/dev/null | sed -nE '/^Verbs:/,/^$/s/^  ([a-z]+) +(.*)$/\1\t\2/p'
end

# A line for each option of the verb: name|letter|what it takes|text
function __vringtop_option_lines
    ARGP_HELP_FMT=rmargin=4000,no-dup-args-note vringtop (__vringtop_verb) --help 2>/dev/null |
        sed -nE 's/^ {2,6}(-(.), )?(-\?, )?--([a-z-]+)(\[?=([^ ]+))?( +(.*))?$/\4|\2|\6|\8/p'
end

function __vringtop_options
    for line in (__vringtop_option_lines)
        set -l parts (string split '|' -- $line)
        echo "--$parts[1]"\t"$parts[4]"
    end
end

# The virtio devices, and the disks and interfaces behind them.
function __vringtop_devices
    for path in /sys/bus/virtio/devices/virtio* /sys/bus/virtio/devices/virtio*/{block,net}/*
        path basename $path 2>/dev/null; or basename $path
    end
end

# Names of queues, from the names of their interrupts, because `vringtop queues` needs privileges and
# takes seconds. A queue that shares its interrupt has no name there; its index can be given instead.
function __vringtop_queues
    sed -nE 's/.* virtio[0-9]+-([^ ]+)$/\1/p' /proc/interrupts 2>/dev/null | grep -vxE 'config|virtqueues'
end

# The words that an option takes: vringtop lists them when it gets a wrong word.
function __vringtop_words
    vringtop (__vringtop_verb) "--$argv[1]=?" 2>&1 | sed -n 's/^ *There are: *//p' | string split ' '
end

# Whether the word before the cursor is an option that takes a value; prints what the value may be.
function __vringtop_values
    set -l before (commandline -opc)[-1]
    for line in (__vringtop_option_lines)
        set -l parts (string split '|' -- $line)
        test -n "$parts[3]"; or continue
        contains -- "$before" "--$parts[1]" "-$parts[2]"; or continue
        switch $parts[1]
            case device ring
                __vringtop_devices
            case driver
                for path in /sys/bus/virtio/drivers/*
                    basename $path
                end
            case queue
                __vringtop_queues
            case page
                __vringtop_words page
            case op
                set -l list (commandline -ct | string match -r '.*,')
                printf "$list%s\n" (__vringtop_words op)
            case '*'
                test "$parts[3]" = FILE; and __fish_complete_path (commandline -ct)
        end
        return 0
    end
    return 1
end

function __vringtop_takes_files
    contains -- (__vringtop_verb) report diff
end

complete -c vringtop -f
complete -c vringtop -n '__vringtop_needs_verb; or test (__vringtop_verb) = help' -a '(__vringtop_verbs)'
complete -c vringtop -n 'not __vringtop_values >/dev/null; and string match -q -- "-*" (commandline -ct)' -a '(__vringtop_options)'
complete -c vringtop -n '__vringtop_values >/dev/null' -a '(__vringtop_values)'
complete -c vringtop -n '__vringtop_takes_files; and not __vringtop_values >/dev/null' -F
complete -c vringtop -n 'test (__vringtop_verb) = record; and contains -- -- (commandline -opc)' -a '(__fish_complete_subcommand --fcs-skip=(math (contains -i -- -- (commandline -opc))))'
