#!/bin/sh
# Gives every record once, as one JSON object per line, to a log collector on stdout.
# usage: ship.sh CURSOR     CURSOR is a file that remembers how far it came; SKEP names the program
set -eu
skep=${SKEP:-skep}
cursor=$1
next=$(cat "$cursor" 2>/dev/null || echo 0)
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

$skep evidence timeline --from "$next" >"$lines"
[ -s "$lines" ] || exit 0
cat "$lines"
# After the lines are out: a collector that was cut off gets them again, none is lost.
last=$(tail -n 1 "$lines" | sed 's/^{"seq":\([0-9]*\),.*/\1/')
echo $((last + 1)) >"$cursor.new"
mv "$cursor.new" "$cursor"
