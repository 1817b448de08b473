#!/bin/sh
# Prints the path of the interpreter for `make install`: of several builds of one Python version the fastest.
#
# A Python that was compiled without a profile of its own work (the default when it is built from source, so with pyenv
# and asdf) needs more CPU than that of a distribution (docs/figures.md), and nothing in it says so. `python3` decides the
# version: of the builds of this version on PATH, in /usr/bin and in /usr/local/bin that can make a virtual environment
# the fastest is chosen, and `python3` itself unless another is at least 10 % faster. `make install PYTHON=…` chooses by
# hand.
set -eu

# Prints the least CPU time of a short piece of work, in microseconds, and the path of the interpreter. Of many tries at
# least one is not disturbed by other programs.
MEASURE='
import ensurepip, sqlite3, ssl, sys, time, venv
assert "%d.%d" % sys.version_info[:2] == sys.argv[1]
def work():
    names = {}
    for number in range(5000):
        names[number % 97] = (number, str(number))
    return len(names)
def cost():
    begun = time.process_time()
    work()
    return time.process_time() - begun
print(round(min(cost() for _ in range(100)) * 1e6), sys.executable)
'

default=$(command -v python3) || { echo "install: there is no python3" >&2; exit 1; }
version=$("$default" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

measure() {
    # Rounds, so that a moment in which the machine is busy does not decide.
    for _ in 1 2 3; do
        for candidate in "$default" "/usr/bin/python$version" "/usr/local/bin/python$version" "python$version"; do
            "$candidate" -c "$MEASURE" "$version" 2>/dev/null || true
        done
    done
}

chosen=$(measure | awk '
    { cost = $1; sub(/^[^ ]* /, "") }
    !($0 in least) { order[++count] = $0; least[$0] = cost }
    cost < least[$0] { least[$0] = cost }
    END {
        for (number = 1; number <= count; number++)
            if (number == 1 || least[order[number]] * 10 < least[best] * 9) best = order[number]
        print best
    }')
echo "${chosen:-$default}"
