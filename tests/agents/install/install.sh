#!/usr/bin/env bash
# Installs the agent CLIs that tests/agents runs, at the versions that package-lock.json pins, into a folder of
# their own: the first argument, or target/agents. Nothing outside of it is changed, and no script of a
# package runs. x86-64 Linux only; needs npm, and about 1.3 GB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-"$here/../../../target/agents"}

[ "$(uname -sm)" = "Linux x86_64" ] || { echo "the pinned packages are for x86-64 Linux" >&2; exit 1; }

mkdir -p "$to"
to=$(cd "$to" && pwd)
if ! cmp -s "$here/package-lock.json" "$to/installed.json"; then
    rm -f "$to/installed.json"
    cp "$here/package.json" "$here/package-lock.json" "$to/"
    (cd "$to" && npm ci --ignore-scripts --omit=optional --no-bin-links --no-audit --no-fund)
fi

bin=$to/bin
mkdir -p "$bin"
link() { ln -sfn "../node_modules/$2" "$bin/$1"; test -x "$bin/$1"; }
link claude @anthropic-ai/claude-code-linux-x64/claude
link codex @openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex
link copilot @github/copilot-linux-x64/copilot
link opencode opencode-linux-x64/bin/opencode
chmod +x "$to/node_modules/@google/gemini-cli/bundle/gemini.js"
link gemini @google/gemini-cli/bundle/gemini.js
# Last, so that an installation that was interrupted is not taken for a whole one.
cp "$here/package-lock.json" "$to/installed.json"
