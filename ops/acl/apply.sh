#!/bin/sh
# Gives a principal the rules of a file: apply.sh FILE PRINCIPAL ARGUMENTS... of kafka-acls.sh, as --bootstrap-server HOST:PORT.
# NAMESPACE is put before the names of topics ("paper."), ACTION=--remove takes the rules back, KAFKA_ACLS is the command.
set -eu
file=$1 principal=$2
shift 2
grep -v '^#' "$file" | while read -r operation resource pattern name; do
  case $resource in
    topic) name="${NAMESPACE:-}$name" ;;
  esac
  operation=$(printf %s "$operation" | tr -d _)
  "${KAFKA_ACLS:-kafka-acls.sh}" "$@" "${ACTION:---add}" --force --allow-principal "$principal" --operation "$operation" \
    "--$resource" "$name" --resource-pattern-type "$pattern" </dev/null
done
