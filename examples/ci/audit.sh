#!/bin/sh
# A nightly job: the log continues the one of last night, comes to the same when it is judged again, has nothing impossible
# in it, and is kept as evidence.
# usage: audit.sh FOLDER    FOLDER keeps the last checkpoint and one bundle for each day; SKEP names the program
set -eu
skep=${SKEP:-skep}
keep=$1
day=$(date -u +%Y-%m-%d)
mkdir -p "$keep"

if [ -f "$keep/last.checkpoint" ]; then
  $skep audit verify --since "$keep/last.checkpoint" --save "$keep/new.checkpoint"
else
  $skep audit verify --save "$keep/new.checkpoint"
fi
$skep audit replay
$skep evidence inspect
[ -f "$keep/$day.tar" ] || $skep evidence bundle "$keep/$day.tar"
$skep evidence verify "$keep/$day.tar"
# Only now: a night that failed is compared again.
mv "$keep/new.checkpoint" "$keep/last.checkpoint"
