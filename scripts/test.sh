#!/usr/bin/env bash
# Runs every test. The flows on a real bitcoind run where there is one (`make bitcoind` provides it), those on
# PostgreSQL where its programs are (`make deps-test`), and they are named where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

found=0
bitcoind=$(scripts/bitcoind.sh --find) || found=$?
if [ "$found" -eq 0 ]; then
    export BITCOIND_EXE=$bitcoind
    summary="The flows on a real bitcoind ran on $bitcoind."
    if ! "$bitcoind" -help 2>/dev/null | grep -q -- -txospenderindex; then
        summary+=" SKIPPED: those with -txospenderindex, which it does not know."
    fi
elif [ "$found" -ne 1 ]; then
    exit "$found"
else
    unset BITCOIND_EXE
    summary="SKIPPED: the flows on a real bitcoind, as there is none here. 'make bitcoind' builds one; then run 'make test' again."
fi
devnet="SKIPPED: the flows on a network of the secured chain, as there is no babylond here. 'make babylond' builds one."
found=0
babylond=$(scripts/babylond.sh --find) || found=$?
if [ "$found" -eq 0 ]; then
    export BABYLOND_EXE=$babylond
    devnet="The flows on a network of the secured chain ran on $babylond."
elif [ "$found" -ne 1 ]; then
    exit "$found"
else
    unset BABYLOND_EXE
fi
scripts/build.sh test --workspace "$@"
echo "$summary"
echo "$devnet"
if ! scripts/install-deps.sh --has-postgres; then
    echo "SKIPPED: the signing database and the store on PostgreSQL, as there is none here. 'make deps-test' installs it."
fi
