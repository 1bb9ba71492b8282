#!/usr/bin/env bash
# A whole detection model, on torchvision's own operators: detection.sh BINARY FOLDER
# Loaded, frozen, optimized, saved and loaded again, and saved for torch::jit. 77: there is no library to try it on.
set -euo pipefail
if [[ -z ${VESTA_TORCHVISION:-} ]]; then
  echo "VESTA_TORCHVISION names no torchvision/_C.so: './dev test' fetches one"
  exit 77
fi
for way in loaded frozen optimized saved saved-in-torch-jit; do
  echo "$way"
  "$1" "$2" --ops-library "$VESTA_TORCHVISION" --way "$way" --require 100
done
