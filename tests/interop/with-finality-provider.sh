#!/usr/bin/env bash
# Runs the program in go/ with the finality provider's own functions in the place of its formulas: randomness, commitment, and the
# message of a vote with a context. It must write the same vectors; the script says whether it did.
# usage: with-finality-provider.sh SOURCE     SOURCE = a checkout of github.com/babylonlabs-io/finality-provider, or a .tar.gz of one
set -euo pipefail
source=$(realpath "${1:?usage: with-finality-provider.sh SOURCE}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -f "$source" ]; then
    mkdir "$work/source"
    tar xzf "$source" -C "$work/source"
    source=$work/source
fi
cat >"$work/overlay.json" <<JSON
{"Replace": {
"$here/go/hook.go": "$here/finality-provider/hook.go",
"$here/go/fp/randgenerator/randgenerator.go": "$source/eotsmanager/randgenerator/randgenerator.go",
"$here/go/fp/types/blockinfo.go": "$source/types/blockinfo.go",
"$here/go/fp/types/expected_block.go": "$source/types/expected_block.go",
"$here/go/fp/types/pub_rand_commit.go": "$source/types/pub_rand_commit.go"
}}
JSON
cd "$here/go"
go run -overlay "$work/overlay.json" . "$work/vectors"
rm -f "$work/vectors/schema.json"
diff -r --exclude=schema.json "$work/vectors" ../../vectors/eots
echo "the same vectors with the finality provider's own functions"
