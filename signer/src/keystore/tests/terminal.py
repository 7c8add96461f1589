"""Runs a command on a terminal of its own and types answers to its questions.

    python3 terminal.py QUESTION ANSWER [QUESTION ANSWER ...] -- COMMAND [ARGUMENT ...]

Prints what the terminal showed, and exits as the command did (or with 99 when a question does not come).
"""

import os
import pty
import select
import sys
import time

split = sys.argv.index("--")
pairs = list(zip(sys.argv[1:split:2], sys.argv[2:split:2]))
command = sys.argv[split + 1 :]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
seen = 0
deadline = time.monotonic() + 120
while True:
    if time.monotonic() > deadline:
        os.kill(pid, 9)
        print(shown.decode(errors="replace"), "\nthe command does not end")
        sys.exit(99)
    if not select.select([terminal], [], [], 0.2)[0]:
        continue
    try:
        part = os.read(terminal, 4096)
    except OSError:
        part = b""
    if not part:
        break
    shown += part
    if pairs and pairs[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, pairs.pop(0)[1].encode() + b"\n")
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(shown.decode(errors="replace"))
sys.exit(99 if pairs else status if status >= 0 else 98)
