#!/bin/sh
# A worker in shell: on a mounted hive it takes the tasks that it knows, runs them and tells the results.
# It signs nothing, so the hive calls its results unverified.
# usage: worker.sh MOUNT ID    mounted with a ticket of role worker whose subject is ID
set -eu
me=$1/worker/$2 jobs=$1/jobs born=sh-$$-$(date +%s) mine=no
tmp=$(mktemp)
trap 'kill "${beat:-$$}" 2>/dev/null; rm -f "$tmp"' EXIT
trap 'exit 0' INT TERM

run() { # the commands that this worker allows; input and output are the job's
  case $1 in
  uname) uname -sm ;;
  sha256) sha256sum ;;
  sort) sort ;;
  *) return 127 ;;
  esac
}

perform() { # perform JOB TASK
  code=0
  run "$2" <"$jobs/$1/stdin" >"$tmp" 2>/dev/null || code=$?
  bytes=$(head -c 6000 "$tmp" | wc -c | tr -d ' ')
  text=$(head -c 6000 "$tmp" | base64 | tr -d '\n')
  echo "{\"op\":\"done\",\"job\":\"$1\",\"exit\":$code,\"stdout\":{\"bytes\":$bytes,\"inline\":\"$text\"}}" >>"$me/results"
}

echo "{\"op\":\"hello\",\"incarnation\":\"$born\",\"kinds\":[\"task\"]}" >>"$me/ctl"
while sleep 5; do echo '{"op":"renew"}' >>"$me/results"; done &
beat=$!
# Large reads wait at the end; small ones would take an empty one for the end, and some cats hold back what they have.
dd bs=64k if="$me/inbox.follow" 2>/dev/null | while IFS= read -r line; do
  case $line in
  "{\"hello\":\"$born\"}") mine=yes ;; # what stands before is for who was here earlier
  '{"job":'*'"kind":"task"'*)
    job=$(printf '%s' "$line" | sed -n 's/^{"job":"\([0-9]*\)".*/\1/p')
    task=$(printf '%s' "$line" | sed -n 's/.*"kind":"task","what":"\([a-z0-9._-]*\)".*/\1/p')
    [ $mine = no ] || perform "$job" "$task" ;;
  esac
done
