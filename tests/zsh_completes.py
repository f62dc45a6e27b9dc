#!/usr/bin/python3
"""Types command lines into zsh, each with a tab, and prints what zsh makes of it.
Usage: zsh_completes.py FOLDER LINE...     (FOLDER has the completion functions)"""
import os
import pty
import re
import select
import shutil
import sys
import tempfile

LIMIT = 30  # seconds until zsh must have answered

folder = tempfile.mkdtemp()
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", HOME=folder, ZDOTDIR=folder)
    os.execvp("zsh", ["zsh", "-f", "-i"])


def read_until(pattern):
    """Reads what zsh prints until it matches."""
    text = ""
    while not (found := re.search(pattern, text, re.S)):
        if not select.select([terminal], [], [], LIMIT)[0]:
            sys.exit(f"zsh did not say {pattern!r}, only {text!r}")
        text += os.read(terminal, 65536).decode(errors="replace")
    return found


def send(text):
    os.write(terminal, text.encode())


# After each tab zsh prints the line as it is then, by a key of ours.
send("unsetopt zle_bracketed_paste beep; PS1=; stty cols 200 -echo\n")
send("show() { print -r -- \"<<$BUFFER>>\"; BUFFER=; zle redisplay }; zle -N show; bindkey '^X' show\n")
send(f"fpath=({os.path.abspath(sys.argv[1])} $fpath); autoload -Uz compinit; compinit -u -d {folder}/dump\n")
send("print ready'':\n")
read_until("ready:")
for line in sys.argv[2:]:
    send(line + "\t\x18")
    print(read_until("<<(.*?)>>").group(1))
send("exit\n")
os.waitpid(pid, 0)
shutil.rmtree(folder)
