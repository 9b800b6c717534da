#!/bin/sh
# Builds every program into OUT (default: beside its source) with Debian 12's clang 14 and wasm-ld;
# the same compiler gives the same bytes, which SHA256SUMS names.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"
out=${1:-.}
mkdir -p "$out/misbehaving"
for source in *.c misbehaving/*.c; do
  ${CLANG:-clang} --target=wasm32-unknown-unknown -std=c11 -Oz -Wall -Wextra -Werror \
    -ffreestanding -fno-builtin -fno-ident -nostdlib -fno-strict-aliasing \
    -Wl,--no-entry -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=8192 -o "$out/${source%.c}.wasm" "$source"
done
(cd "$out" && sha256sum ./*.wasm misbehaving/*.wasm | sed "s|\./||" >SHA256SUMS)
