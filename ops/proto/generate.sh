#!/usr/bin/env bash
# Generate shared/rpc from proto/; with --check, only compare the committed code with what would be generated.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-.venv/bin}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mapfile -t protos < <(cd proto && find mailfold -name '*.proto' | sort | sed 's|^|shared/rpc/|')
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -I shared/rpc=proto \
  --python_out="$out" --grpc_python_out="$out" --mypy_out="quiet:$out" --mypy_grpc_out="quiet:$out" "${protos[@]}"
find "$out/shared/rpc" -type d -exec sh -c 'echo "\"\"\"Generated from proto/ by make proto.\"\"\"" > "$1/__init__.py"' _ {} \;
if [ "${1:-}" = --check ]; then
  if ! diff -r -q -x __pycache__ "$out/shared/rpc" shared/rpc; then
    echo "shared/rpc is not what proto/ says: run make proto and commit" >&2
    exit 1
  fi
else
  rm -rf shared/rpc
  mv "$out/shared/rpc" shared/rpc
fi
