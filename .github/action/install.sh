#!/usr/bin/env bash
# Finds the released program for this runner, or takes the one that is given, and says where it is.
#
# A release is used only if its SHA-256 is the published one and, where the GitHub CLI can tell, its attestation says
# that this repository's release workflow built it. Reads its settings from the environment and nothing from the checkout.
set -euo pipefail

# What an input holds stays text: it begins no workflow command of its own.
fail() {
  local text=$*
  text=${text//%/%25}
  text=${text//$'\r'/%0D}
  echo "::error title=ecsdeploy::${text//$'\n'/%0A}"
  exit 1
}

# The release that belongs to this commit of the action: no question to an API, and no surprise.
own_version() {
  sed -n 's/^version = "\([0-9][0-9A-Za-z.+-]*\)"$/\1/p' "$ACTION_PATH/Cargo.toml" | head -n 1
}

target() {
  case "$RUNNER_OS/$RUNNER_ARCH" in
    Linux/X64) echo x86_64-unknown-linux-musl ;;
    Linux/ARM64) echo aarch64-unknown-linux-musl ;;
    macOS/X64) echo x86_64-apple-darwin ;;
    macOS/ARM64) echo aarch64-apple-darwin ;;
    Windows/X64) echo x86_64-pc-windows-msvc ;;
    *) return 1 ;;
  esac
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# download NAME: an asset of the release, to $work. The GitHub CLI also reaches private repositories.
download() {
  if command -v gh >/dev/null && [ -n "${GH_TOKEN:-}" ]; then
    # An Enterprise server's releases are its own.
    GH_HOST=${GITHUB_SERVER_URL#https://} GH_ENTERPRISE_TOKEN=$GH_TOKEN \
      gh release download "v$version" --repo "$repository" --pattern "$1" --dir "$work"
  else
    curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --retry 3 \
      --output "$work/$1" "$GITHUB_SERVER_URL/$repository/releases/download/v$version/$1"
  fi
}

check_sum() {
  local wanted
  wanted=$(awk -v name="$asset" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS of v$version does not name $asset"
  [ "$(sha256 "$work/$asset")" = "$wanted" ] || fail "$asset does not have the SHA-256 that v$version publishes"
}

check_attestation() {
  if [ "$GITHUB_SERVER_URL" != https://github.com ] || [ -z "${GH_TOKEN:-}" ] ||
    ! gh attestation verify --help >/dev/null 2>&1; then
    echo "attestation not verified: there is no GitHub CLI that can, or no token; the SHA-256 was"
    return
  fi
  gh attestation verify "$work/$asset" --repo "$repository" \
    --signer-workflow "$repository/.github/workflows/release.yml" ||
    fail "$asset has no attestation by the release workflow of $repository"
}

install() {
  work=$(mktemp -d "$RUNNER_TEMP/ecsdeploy.XXXXXX")
  download "$asset"
  download SHA256SUMS
  check_sum
  check_attestation
  tar -xzf "$work/$asset" -C "$work" "$program"
  mkdir -p "$folder"
  mv -f "$work/$program" "$folder/$program"
  chmod +x "$folder/$program"
  sha256 "$folder/$program" >"$folder.sha256"
  rm -rf "$work"
}

program=ecsdeploy
[ "$RUNNER_OS" != Windows ] || program=ecsdeploy.exe

if [ -n "${INPUT_BINARY:-}" ]; then
  [ -x "$INPUT_BINARY" ] || fail "input binary: there is no program $INPUT_BINARY"
  folder=$(cd "$(dirname "$INPUT_BINARY")" && pwd)
  program=$(basename "$INPUT_BINARY")
else
  version=${INPUT_VERSION:-$(own_version)}
  version=${version#v}
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+([.+-][0-9A-Za-z.+-]+)?$ ]] || fail "input version: $version is no version"
  triple=$(target) || fail "there is no release for $RUNNER_OS on $RUNNER_ARCH; give one by input binary"
  # Empty where the action is used by a path of its own repository.
  repository=${ACTION_REPOSITORY:-$GITHUB_REPOSITORY}
  asset=ecsdeploy-$triple.tar.gz
  folder=${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/ecsdeploy/$version/$triple
  if [ -x "$folder/$program" ] && [ "$(sha256 "$folder/$program")" = "$(cat "$folder.sha256" 2>/dev/null)" ]; then
    echo "ecsdeploy $version is in the tool cache"
  else
    install
  fi
fi

"$folder/$program" --version
echo "path=$folder/$program" >>"$GITHUB_OUTPUT"
echo "$folder" >>"$GITHUB_PATH"
