#!/bin/sh
# A docker of the test's own: containers are files beside it, and the "daemon" keeps them when the client dies.
# To be copied into a folder of its own as `docker`; `calls` there lists what it was asked.
home=$(dirname "$0")
echo "$*" >>"$home/calls"
[ -e "$home/down" ] && { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
while [ "${1#-}" != "$1" ]; do
  [ "$1" = --context ] && shift
  shift
done
[ "$1" = container ] && shift
verb=$1
shift
case $verb in
run)
  id=$(printf '%s%s' "$$" "$(date +%N)" | sha256sum | cut -c1-64)
  remove=no
  while [ "${1#-}" != "$1" ]; do
    case $1 in
    --label) shift; label=$1 ;;
    --cidfile) shift; cidfile=$1 ;;
    --rm) remove=yes ;;
    esac
    shift
  done
  echo "$label" >"$home/container-$id"
  printf %s "$id" >"$cidfile"
  shift
  "$@"
  code=$?
  [ $remove = yes ] && rm -f "$home/container-$id"
  exit $code
  ;;
ps)
  wanted=${5#label=}
  for file in "$home"/container-*; do
    [ -e "$file" ] && [ "$(cat "$file")" = "$wanted" ] && echo "${file##*/container-}"
  done
  exit 0
  ;;
rm)
  shift
  for id in "$@"; do rm "$home/container-$id" || exit 1; done
  ;;
esac
