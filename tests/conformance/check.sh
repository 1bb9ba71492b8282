#!/usr/bin/env bash
# vesta_conformance on eight small entries, one for each way in which one can end: check.sh BINARY FOLDER
set -euo pipefail
expected=$2/expected.txt
actual=$(cd "$2" && "$1" entries --seconds "${VESTA_CHECK_SECONDS:-5}" --jobs 2 2>/dev/null || true)
if [[ ${VESTA_UPDATE_GOLDENS:-0} == 1 ]]; then
  printf '%s\n' "$actual" >"$expected"
fi
diff -u "$expected" <(printf '%s\n' "$actual")
