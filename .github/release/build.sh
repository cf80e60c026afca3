#!/usr/bin/env bash
# Builds the program for one target and packs it as releases name it: bash .github/release/build.sh TARGET
#
# Leaves dist/ecsdeploy-TARGET.tar.gz. Linux programs are static (musl); they need musl-tools, of the machine's own
# architecture. What is built is smoke-tested where the machine can run it.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly target=$1
program=ecsdeploy

rustup target add "$target"
case "$target" in
  *-linux-musl)
    # aws-lc is C: it is compiled against musl too. The linker stays Rust's own choice, which brings musl's start files:
    # musl-gcc as the linker makes a program that is not static.
    export "CC_${target//-/_}=musl-gcc"
    ;;
  *-windows-msvc)
    program=ecsdeploy.exe
    export RUSTFLAGS="-C target-feature=+crt-static" AWS_LC_SYS_PREBUILT_NASM=1
    ;;
esac

cargo build --profile dist --locked --target "$target"

built=${CARGO_TARGET_DIR:-target}/$target/dist/$program
if [[ $target == *-linux-musl ]]; then
  file "$built" | grep -E 'static(-pie|ally) linked'
fi
if [ "$(rustc -vV | sed -n 's/^host: //p' | cut -d - -f 1)" = "${target%%-*}" ]; then
  "$built" --version
  "$built" rollout --sandbox examples/fargate-web
fi

mkdir -p dist
cp "$built" LICENSE dist/
tar -czf "dist/ecsdeploy-$target.tar.gz" -C dist "$program" LICENSE
rm "dist/$program" dist/LICENSE
